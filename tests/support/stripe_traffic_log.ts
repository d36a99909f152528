/**
 * Is loaded into programs that tests run (`node --import`). Writes the traffic of their Stripe doubles to a file, one record
 * a line, which the test's process checks.
 */
import { appendFileSync } from "node:fs";
import { type TrafficRecord, traffic } from "#stripe_double/traffic.ts";

/** The environment variable with the path of the file. */
export const TRAFFIC_LOG = "NEST_TEST_STRIPE_TRAFFIC";

const path = process.env[TRAFFIC_LOG];
if (path) {
  traffic.subscribe((message) => {
    const { forced, ...record } = message as TrafficRecord;
    const fields = [...forced].map(([id, names]) => [id, [...names]]);
    appendFileSync(path, `${JSON.stringify({ ...record, forced: fields })}\n`);
  });
}

/** Parses a line of the file. */
export function parseTrafficLine(line: string): TrafficRecord {
  const { forced, ...record } = JSON.parse(line);
  return {
    ...record,
    forced: new Map(forced.map(([id, names]: [string, string[]]) => [id, new Set(names)])),
  };
}
