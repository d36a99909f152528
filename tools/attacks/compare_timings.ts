import {
  callsToTellApart,
  mannWhitney,
  median,
  medianDifference,
  smallestSeen,
} from "#tools/attacks/statistics.ts";
import type { Pair } from "#tools/attacks/timing_pair.ts";
import { pairs } from "#tools/attacks/timing_pairs.ts";
import { openTarget, type Target } from "#tools/attacks/timing_target.ts";
import type { RunRecord } from "#tools/machine/run_records.ts";

/** Two kinds of call are distinguished if Mann-Whitney's p is below this. */
const SIGNIFICANT = 0.01;
const WARM_UP_CALLS = 30;
const HEAD = [
  "Compared calls",
  "Median of the first, µs",
  "Median of the second, µs",
  "95 % interval of the difference, µs",
  "P(second is slower)",
  "p",
  "Result",
];

const microseconds = (ms: number) => Math.round(ms * 1000);

/**
 * Compares response times of calls that an attacker must not be able to distinguish. Both calls of a pair run on the
 * real handlers and a database, in random order, each with an address or token of its own. Two control pairs show which
 * difference the method detects. It reports times and asserts nothing: tests/attacks/enumeration.test.ts asserts that
 * both calls of a pair take the same steps.
 * @param runs how many calls of each kind are timed
 */
export async function compareTimings(runs: number): Promise<RunRecord> {
  const target = await openTarget();
  try {
    const rows: string[][] = [];
    for (const pair of pairs) rows.push(rowOf(pair.name, ...(await measure(target, pair, runs))));
    const unseen = smallestSeen(runs);
    return {
      summary:
        `${runs} calls of each kind, in random order, on ${target.database}. p is from Mann-Whitney's U test; the interval ` +
        `is from a bootstrap of the medians. ${runs} calls detect a P(second is slower) outside ` +
        `${(0.5 - unseen).toFixed(2)} to ${(0.5 + unseen).toFixed(2)}. The rate limits allow an attacker 10 links a day ` +
        "per address and network and 60 failures a minute per network.",
      table: { head: HEAD, rows },
    };
  } finally {
    await target.close();
  }
}

/** Runs both calls of a pair `runs` times in random order. @returns milliseconds, without the calls that warm up */
async function measure(
  target: Target,
  pair: Pair,
  runs: number,
): Promise<[first: number[], second: number[]]> {
  const samples: [number[], number[]] = [[], []];
  const [first, second] = await pair.prepare(target, runs + WARM_UP_CALLS);
  for (let run = 0; run < runs + WARM_UP_CALLS; run++) {
    const order = Math.random() < 0.5 ? ([0, 1] as const) : ([1, 0] as const);
    for (const which of order) {
      const call = which === 0 ? first : second;
      const startedAt = performance.now();
      await call(run);
      if (run >= WARM_UP_CALLS) samples[which].push(performance.now() - startedAt);
    }
  }
  return samples;
}

function rowOf(name: string, first: number[], second: number[]): string[] {
  const { superiority, p } = mannWhitney(first, second);
  const [low, high] = medianDifference(first, second).map(microseconds);
  return [
    name,
    String(microseconds(median(first))),
    String(microseconds(median(second))),
    `${low} to ${high}`,
    superiority.toFixed(3),
    p < 0.0001 ? "< 0.0001" : p.toFixed(4),
    p < SIGNIFICANT
      ? `told apart with about ${callsToTellApart(superiority)} calls of each kind`
      : "not told apart",
  ];
}
