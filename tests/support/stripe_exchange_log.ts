/**
 * Loaded into programs that tests run (`node --import`): writes down every exchange of a double in them, a line each, for
 * the test's process to check.
 */
import { appendFileSync } from "node:fs";
import { type Exchange, exchanges } from "#stripe_double/exchanges.ts";

/** Names the file. */
export const EXCHANGE_LOG = "NEST_TEST_EXCHANGES";

const path = process.env[EXCHANGE_LOG];
if (path) {
  exchanges.subscribe((message) => {
    const { forced, ...exchange } = message as Exchange;
    const fields = [...forced].map(([id, names]) => [id, [...names]]);
    appendFileSync(path, `${JSON.stringify({ ...exchange, forced: fields })}\n`);
  });
}

/** An exchange as it was, from its line. */
export function readExchange(line: string): Exchange {
  const { forced, ...exchange } = JSON.parse(line);
  return {
    ...exchange,
    forced: new Map(forced.map(([id, names]: [string, string[]]) => [id, new Set(names)])),
  };
}
