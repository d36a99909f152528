/**
 * Loaded into programs that tests run (`node --import`): writes down every exchange of a double in them, a line each, for
 * the test's process to check.
 */
import { appendFileSync } from "node:fs";
import { type TrafficRecord, traffic } from "#stripe_double/traffic.ts";

/** Names the file. */
export const TRAFFIC_LOG = "NEST_TEST_STRIPE_TRAFFIC";

const path = process.env[TRAFFIC_LOG];
if (path) {
  traffic.subscribe((message) => {
    const { forced, ...exchange } = message as TrafficRecord;
    const fields = [...forced].map(([id, names]) => [id, [...names]]);
    appendFileSync(path, `${JSON.stringify({ ...exchange, forced: fields })}\n`);
  });
}

/** An exchange as it was, from its line. */
export function parseTrafficLine(line: string): TrafficRecord {
  const { forced, ...exchange } = JSON.parse(line);
  return {
    ...exchange,
    forced: new Map(forced.map(([id, names]: [string, string[]]) => [id, new Set(names)])),
  };
}
