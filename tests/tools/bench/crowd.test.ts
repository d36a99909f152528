import { expect, test } from "vitest";
import { type CrowdRow, describeCrowd, gainOf } from "#tools/bench/sections/crowd.ts";

const row = (method: string, rates: Record<number, number>): CrowdRow => ({
  method,
  levels: Object.entries(rates).map(([inFlight, callsPerSecond]) => ({
    inFlight: Number(inFlight),
    callsPerSecond,
    p50Ms: 1,
    p99Ms: 2,
    failed: 0,
  })),
});

test("flags a method with less than 1.5 times the throughput with 64 concurrent calls, and no other", () => {
  const slower = row("slower", { 1: 100, 8: 400, 64: 149, 256: 400 });
  const faster = row("faster", { 1: 100, 8: 100, 64: 150, 256: 50 });
  expect(gainOf(slower)).toMatchObject({ gain: 1.49, isFlagged: true });
  expect(gainOf(faster)).toMatchObject({ gain: 1.5, isFlagged: false });
  const { rows, note } = describeCrowd([slower, faster]);
  expect(rows[1]).toContain("below 1.5");
  expect(rows[2]).not.toContain("below 1.5");
  expect(note).toMatch(/times the throughput of one: slower\.$/);
  expect(describeCrowd([faster]).note).toMatch(/^No method is flagged/);
});

test("does not flag a method that was not measured with one or with 64 concurrent calls", () => {
  expect(gainOf(row("few", { 1: 100, 8: 100 }))).toMatchObject({ gain: null, isFlagged: false });
  expect(gainOf(row("many", { 64: 100 }))).toMatchObject({ gain: null, isFlagged: false });
});
