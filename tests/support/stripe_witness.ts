/**
 * Sees every exchange of every double in a test file and in the programs that it runs, and fails the test that made one
 * that is not Stripe's. Vitest loads this before each file; whatever else a test does, it need not know of it.
 */
import { randomUUID } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, inject } from "vitest";
import { type Exchange, exchanges } from "#local/stripe/exchanges.ts";
import { EXCHANGE_LOG, readExchange } from "#tests/support/stripe_exchange_log.ts";
import type { ExchangeCheck } from "#tests/support/stripe_schema/exchange_check.ts";

const log = join(tmpdir(), `nest-exchanges-${randomUUID()}`);
process.env[EXCHANGE_LOG] = log;
let seen: Exchange[] = [];
let check: ExchangeCheck | undefined;
exchanges.subscribe((message) => void seen.push(message as Exchange));

/** Everything since the last time, that of programs included. */
function takeSeen(): Exchange[] {
  const lines = readLog().split("\n").slice(0, -1);
  const taken = [...seen, ...lines.map(readExchange)];
  seen = [];
  return taken;
}

function readLog(): string {
  try {
    return readFileSync(log, "utf8");
  } catch {
    return "";
  } finally {
    rmSync(log, { force: true });
  }
}

/** What is wrong with them, each once. */
export async function faultsOf(some: readonly Exchange[]): Promise<string[]> {
  if (some.length === 0) return [];
  check ??= await openCheck();
  const faults = new Set<string>();
  for (const exchange of some) for (const fault of check.faultsOf(exchange)) faults.add(fault);
  return [...faults];
}

/** Most files never talk to Stripe, and need none of this. */
async function openCheck(): Promise<ExchangeCheck> {
  const { ExchangeCheck } = await import("#tests/support/stripe_schema/exchange_check.ts");
  return new ExchangeCheck(JSON.parse(readFileSync(inject("stripeSchema"), "utf8")));
}

/** @throws Error naming operation and field of all that was wrong since the last time */
export async function requireGoodExchanges(): Promise<void> {
  const faults = await faultsOf(takeSeen());
  if (faults.length > 0) throw new Error(`Not as Stripe has it:\n${faults.join("\n")}`);
}

// The first hooks to be registered run last, when the test's own have closed what was open.
afterEach(requireGoodExchanges);
afterAll(requireGoodExchanges);

/**
 * Runs work whose exchanges are wrong on purpose, such as a parameter that Stripe does not know.
 * @throws Error if every one of them was good, so that no such mark outlives its reason
 */
export async function wrongOnPurpose<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = takeSeen();
  try {
    const result = await work();
    if ((await faultsOf(takeSeen())).length === 0) throw new Error("Nothing here was wrong on purpose");
    return result;
  } finally {
    takeSeen();
    seen = before;
  }
}
