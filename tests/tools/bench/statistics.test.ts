import { expect, test } from "vitest";
import { median, quantile, round, slope } from "#tools/bench/statistics.ts";

test("takes a quantile by nearest rank", () => {
  const sample = [5, 1, 4, 2, 3];
  expect(median(sample)).toBe(3);
  expect(quantile(sample, 0.99)).toBe(5);
  expect(quantile(sample, 0)).toBe(1);
  expect(quantile([], 0.5)).toBeNaN();
  expect(sample).toEqual([5, 1, 4, 2, 3]);
});

test("computes the slope of the least-squares line", () => {
  const line = [0, 1, 2, 3].map((x) => [x, 7 + 2 * x] as const);
  expect(slope(line)).toBeCloseTo(2);
  const flat = line.map(([x], index) => [x, index % 2] as const);
  expect(Math.abs(slope(flat))).toBeLessThan(0.5);
  expect(slope([[1, 1]])).toBe(0);
});

test("rounds to significant digits", () => {
  expect(round(0.123456, 3)).toBe(0.123);
  expect(round(123_456, 3)).toBe(123_000);
});
