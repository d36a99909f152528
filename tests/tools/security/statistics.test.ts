import { expect, test } from "vitest";
import { seededRandom } from "#stripe_double/random.ts";
import {
  callsToDetect,
  callsToTellApart,
  fastestOf,
  mannWhitney,
  median,
  medianDifference,
} from "#tools/attacks/statistics.ts";

const random = seededRandom(7);
/** Right-skewed samples, like timings. */
const timings = (count: number, more = 0) =>
  Array.from({ length: count }, () => 10 + more - Math.log(1 - random()));

test("takes the median of an odd and of an even number of values", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test("computes the U and p of Mann-Whitney's test as published: U of 1 2 4 and 3 5 6 is 8 of 9", () => {
  const { superiority, p } = mannWhitney([1, 2, 4], [3, 5, 6]);
  expect(superiority).toBeCloseTo(8 / 9, 10);
  // (|8 - 4.5| - 0.5) / sqrt(9 * 7 / 12) = 1.309
  expect(p).toBeCloseTo(0.1904, 3);
});

test("counts ties as half, and finds no difference in samples of equal values", () => {
  expect(mannWhitney([1, 2], [2, 3]).superiority).toBe(7 / 8);
  expect(mannWhitney([5, 5, 5], [5, 5, 5])).toEqual({ superiority: 0.5, p: expect.closeTo(1, 6) });
});

test("has the false positive rate that p states, and detects a real difference", () => {
  const ps = Array.from({ length: 200 }, () => mannWhitney(timings(100), timings(100)).p);
  const falseAlarms = ps.filter((p) => p < 0.05).length;
  expect(falseAlarms).toBeGreaterThan(1);
  expect(falseAlarms).toBeLessThan(25);
  const seen = mannWhitney(timings(300), timings(300, 0.5));
  expect(seen.p).toBeLessThan(0.001);
  expect(seen.superiority).toBeGreaterThan(0.6);
});

test("has the true difference of medians within its interval", () => {
  const [low, high] = medianDifference(timings(400), timings(400, 1), 500);
  expect(low).toBeLessThan(1);
  expect(high).toBeGreaterThan(1);
  expect(low).toBeGreaterThan(0.5);
});

test("needs many calls to detect a small difference, and few for a large one", () => {
  expect(callsToTellApart(0.51)).toBeGreaterThan(20_000);
  expect(callsToTellApart(1)).toBeLessThan(20);
  expect(callsToTellApart(0.3)).toBe(callsToTellApart(0.7));
});

test("takes the fastest of each five values, and leaves an incomplete block out", () => {
  expect(fastestOf([5, 3, 4, 9, 8, 2, 7, 6, 5, 9, 1], 5)).toEqual([3, 2]);
});

test("says how many calls detect a leak of a size, which detect it in most samples of that many calls", () => {
  const calls = callsToDetect(timings(1000), 0.5);
  const seen = Array.from({ length: 40 }, () => mannWhitney(timings(calls), timings(calls, 0.5)).p < 0.002);
  expect(seen.filter(Boolean).length).toBeGreaterThan(32);
  expect(callsToDetect(timings(1000), 2)).toBeLessThan(calls);
});
