import { expect, test } from "vitest";
import { DAY, HOUR, MINUTE } from "#core/clock.ts";
import { nextAttemptAt, RETRY_SECONDS, readRetryAfter } from "#core/webhooks/retry_schedule.ts";

const now = new Date("2026-12-01T00:00:00.000Z");
const delayOf = (tries: number, random = 0.5, retryAfter: string | null = null) => {
  const at = nextAttemptAt(tries, { now, retryAfter, random });
  return at === null ? null : (Date.parse(at) - now.getTime()) / 1000;
};

test("waits longer after each of ten attempts, and gives up after the tenth", () => {
  const hours = [2, 5, 10, 14, 20, 24].map((count) => count * HOUR);
  expect(RETRY_SECONDS).toEqual([5, 5 * MINUTE, 30 * MINUTE, ...hours]);
  expect(RETRY_SECONDS.map((_delay, index) => delayOf(index + 1))).toEqual(RETRY_SECONDS);
  expect(delayOf(10)).toBeNull();
});

test("waits up to 10 % shorter or longer", () => {
  expect(delayOf(2, 0)).toBeCloseTo(270);
  expect(delayOf(2, 0.999999)).toBeCloseTo(330, 1);
});

test("waits as long as the receiver asks for, if that is longer, and at most a day", () => {
  expect(delayOf(1, 0.5, "60")).toBe(60);
  expect(delayOf(2, 0.5, "60")).toBe(300);
  expect(delayOf(1, 0.5, "9999999")).toBe(DAY);
});

test.each([
  [null, 0],
  ["120", 120],
  ["Tue, 01 Dec 2026 00:01:00 GMT", 60],
  ["Mon, 30 Nov 2026 00:00:00 GMT", 0],
  ["-5", 0],
  ["soon", 0],
  ["", 0],
])("reads Retry-After %j as %i seconds", (value, seconds) => {
  expect(readRetryAfter(value, now)).toBe(seconds);
});
