/**
 * Checks the traffic of every Stripe double against the schema generated from Stripe's SDK: in the test's process and in the
 * programs that it runs. A test whose traffic does not match the schema fails. `stripe_traffic_setup.ts` applies it to each
 * test file.
 */
import { randomUUID } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, afterEach, inject } from "vitest";
import { type TrafficRecord, traffic } from "#stripe_double/traffic.ts";
import type { TrafficSchemaCheck } from "#tests/support/stripe_schema/traffic_schema_check.ts";
import { parseTrafficLine, TRAFFIC_LOG } from "#tests/support/stripe_traffic_log.ts";

/** Records are checked in batches, so that a test with much traffic does not keep all of it in memory. */
const BATCH_SIZE = 1_000;

const log = join(tmpdir(), `nest-stripe-traffic-${randomUUID()}`);
process.env[TRAFFIC_LOG] = log;
const unchecked: TrafficRecord[] = [];
let foundErrors = new Set<string>();
let schemaCheck: TrafficSchemaCheck | undefined;

const collect = (message: unknown): void => {
  unchecked.push(message as TrafficRecord);
  if (unchecked.length < BATCH_SIZE) return;
  if (schemaCheck) checkRecords(schemaCheck, unchecked.splice(0));
  else void openSchemaCheck();
};

function checkRecords(check: TrafficSchemaCheck, records: readonly TrafficRecord[]): void {
  for (const record of records) for (const error of check.errorsOf(record)) foundErrors.add(error);
}

/** Loads the schema. Most test files have no Stripe traffic and never load it. */
async function openSchemaCheck(): Promise<TrafficSchemaCheck> {
  const { TrafficSchemaCheck } = await import("#tests/support/stripe_schema/traffic_schema_check.ts");
  schemaCheck ??= new TrafficSchemaCheck(JSON.parse(readFileSync(inject("stripeSchema"), "utf8")));
  return schemaCheck;
}

/** Reads and deletes the traffic that programs have logged. */
function takeLogged(): TrafficRecord[] {
  try {
    return readFileSync(log, "utf8").split("\n").slice(0, -1).map(parseTrafficLine);
  } catch {
    return [];
  } finally {
    rmSync(log, { force: true });
  }
}

/** The distinct errors since the last call. */
async function takeErrors(): Promise<string[]> {
  for (const record of [...unchecked.splice(0), ...takeLogged()]) {
    checkRecords(await openSchemaCheck(), [record]);
    // The first record of an operation takes long to check. Servers in this process must stay responsive.
    await nextTurn();
  }
  const errors = [...foundErrors];
  foundErrors = new Set();
  return errors;
}

/** The distinct schema errors of these records, one line each. */
export async function schemaErrors(records: readonly TrafficRecord[]): Promise<string[]> {
  const check = await openSchemaCheck();
  return [...new Set(records.flatMap((record) => check.errorsOf(record)))];
}

/** @throws Error that names operation and field of each schema error since the last check */
export async function requireValidTraffic(): Promise<void> {
  const errors = await takeErrors();
  if (errors.length > 0) throw new Error(`Traffic does not match Stripe's schema:\n${errors.join("\n")}`);
}

/** Checks the traffic of each test of the current file. */
export function checkTrafficOfFile(): void {
  traffic.subscribe(collect);
  // Vitest runs the hooks that were registered first last, after the test's own hooks have closed everything.
  afterEach(requireValidTraffic);
  afterAll(async () => {
    traffic.unsubscribe(collect);
    await requireValidTraffic();
  });
}

/**
 * Runs work whose traffic does not match the schema on purpose, such as a request with an unknown parameter.
 * @throws Error if all of its traffic is valid, so that no unneeded call of this function remains
 */
export async function expectInvalidTraffic<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = await takeErrors();
  try {
    const result = await work();
    if ((await takeErrors()).length === 0) {
      throw new Error("All traffic is valid. Call this code without expectInvalidTraffic.");
    }
    return result;
  } finally {
    await takeErrors();
    foundErrors = new Set(before);
  }
}
