import { expect, test } from "vitest";
import { describeConsole, summarize } from "#tools/bench/sections/console.ts";

const loadOf = (firstPaint: number, bytes = 100_000) => ({
  ms: { "first paint": firstPaint, "first text": firstPaint + 10, "form can be used": firstPaint + 50 },
  bytes,
  requests: 4,
});

test("takes the median and the longest of all loads", () => {
  const { ms, rounds, bytes } = summarize([loadOf(300), loadOf(100), loadOf(200, 110_000)]);
  expect(ms["first paint"]).toEqual({ median: 200, longest: 300 });
  expect(ms["form can be used"]).toEqual({ median: 250, longest: 350 });
  expect({ rounds, bytes }).toEqual({ rounds: 3, bytes: 110_000 });
});

test.each([
  [999, "met"],
  [1_001, "missed"],
])("says of a first paint after %i ms that the target is %s", (firstPaint, says) => {
  const result = { browser: "140", budget: 1_000, ...summarize([loadOf(firstPaint)]) };
  expect(describeConsole(result).note).toContain(`at most 1000 ms, ${says}.`);
});
