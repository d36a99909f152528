/**
 * Sees every exchange of every double in a test file and in the programs that it runs, and fails the test that made one
 * that is not Stripe's. Vitest loads this before each file; whatever else a test does, it need not know of it.
 */
import { randomUUID } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as immediately } from "node:timers/promises";
import { afterAll, afterEach, inject } from "vitest";
import { type TrafficRecord, traffic } from "#stripe_double/traffic.ts";
import type { TrafficSchemaCheck } from "#tests/support/stripe_schema/traffic_schema_check.ts";
import { parseTrafficLine, TRAFFIC_LOG } from "#tests/support/stripe_traffic_log.ts";

/** A test that makes very many must not keep them all. */
const BATCH = 1_000;

const log = join(tmpdir(), `nest-traffic-${randomUUID()}`);
process.env[TRAFFIC_LOG] = log;
/** What nobody looked at yet, and what was found in the rest. */
const seen: TrafficRecord[] = [];
let found = new Set<string>();
let check: TrafficSchemaCheck | undefined;

const see = (message: unknown) => {
  seen.push(message as TrafficRecord);
  if (seen.length < BATCH) return;
  if (check) look(check, seen.splice(0));
  else void openCheck();
};
traffic.subscribe(see);

function look(by: TrafficSchemaCheck, some: readonly TrafficRecord[]): void {
  for (const exchange of some) for (const fault of by.schemaErrors(exchange)) found.add(fault);
}

/** Most files never talk to Stripe, and need none of this. */
async function openCheck(): Promise<TrafficSchemaCheck> {
  const { TrafficSchemaCheck } = await import("#tests/support/stripe_schema/traffic_schema_check.ts");
  check ??= new TrafficSchemaCheck(JSON.parse(readFileSync(inject("stripeSchema"), "utf8")));
  return check;
}

/** What programs wrote down since the last time. */
function takeLogged(): TrafficRecord[] {
  try {
    return readFileSync(log, "utf8").split("\n").slice(0, -1).map(parseTrafficLine);
  } catch {
    return [];
  } finally {
    rmSync(log, { force: true });
  }
}

/** What was wrong since the last time, each once. */
async function takeFaults(): Promise<string[]> {
  for (const exchange of [...seen.splice(0), ...takeLogged()]) {
    look(await openCheck(), [exchange]);
    // The first of a shape takes long to look at, and a server in this process must not seem dead meanwhile.
    await immediately();
  }
  const faults = [...found];
  found = new Set();
  return faults;
}

/** What is wrong with traffic, each once. */
export async function schemaErrors(some: readonly TrafficRecord[]): Promise<string[]> {
  const by = await openCheck();
  return [...new Set(some.flatMap((exchange) => by.schemaErrors(exchange)))];
}

/** @throws Error naming operation and field of all that was wrong since the last time */
export async function requireValidTraffic(): Promise<void> {
  const faults = await takeFaults();
  if (faults.length > 0) throw new Error(`Not as Stripe has it:\n${faults.join("\n")}`);
}

// The first hooks to be registered run last, when the test's own have closed what was open.
afterEach(requireValidTraffic);
afterAll(async () => {
  traffic.unsubscribe(see);
  await requireValidTraffic();
});

/**
 * Runs work whose traffic are wrong on purpose, such as a parameter that Stripe does not know.
 * @throws Error if every one of them was good, so that no such mark outlives its reason
 */
export async function expectInvalidTraffic<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = await takeFaults();
  try {
    const result = await work();
    if ((await takeFaults()).length === 0) throw new Error("Nothing here was wrong on purpose");
    return result;
  } finally {
    await takeFaults();
    found = new Set(before);
  }
}
