import { setTimeout as pause } from "node:timers/promises";
import {
  callsToDetect,
  callsToTellApart,
  fastestOf,
  mannWhitney,
  median,
  medianDifference,
  SIGNIFICANT,
} from "#tools/attacks/statistics.ts";
import { type Pair, takeMs } from "#tools/attacks/timing_pair.ts";
import { pairs } from "#tools/attacks/timing_pairs.ts";
import { openTarget, type Target } from "#tools/attacks/timing_target.ts";
import type { RunRecord } from "#tools/machine/run_records.ts";

/** A leak of this size must be detected, or the result is undecided. */
const LEAK_MS = 2;
/** The fastest of so many calls in a row are compared, besides the calls. */
const BLOCK = 5;
/** A pair whose times vary is called up to so many times as often. */
const MOST_BATCHES = 8;
const WARM_UP_CALLS = 30;
const HEAD = [
  "Compared calls",
  "Calls of each kind",
  "Median of the first, µs",
  "Median of the second, µs",
  "95 % interval of the difference, µs",
  "P(second is slower)",
  "p",
  "p of the fastest",
  `Calls that detect ${LEAK_MS} ms`,
  "Result",
];

/** Which pairs are compared, and how. */
export interface TimingOptions {
  /** How many calls of each kind are timed at least. */
  runs: number;
  /** Compares only pairs whose name contains the text. */
  only: string;
  /** Makes the second call of each pair so much slower, to show that a leak of this size is detected. */
  plantedMs: number;
}

const microseconds = (ms: number) => Math.round(ms * 1000);

/**
 * Compares response times of calls that an attacker must not be able to distinguish. Both calls of a pair run on the
 * real handlers and a database, in random order, each with an address or token of its own. A pair is called until a leak of 2 ms
 * would be detected, which a busy machine can prevent. Two control pairs show what the method detects. It reports times and
 * asserts nothing: tests/attacks/enumeration.test.ts asserts that both calls of a pair take the same steps.
 */
export async function compareTimings(options: TimingOptions): Promise<RunRecord> {
  const { runs, only, plantedMs } = options;
  const target = await openTarget();
  try {
    const rows: string[][] = [];
    for (const pair of pairs.filter(({ name }) => name.includes(only)))
      rows.push(rowOf(pair.name, ...(await measure(target, pair, options))));
    const planted = plantedMs > 0 ? ` The second call of each pair was made ${plantedMs} ms slower.` : "";
    return {
      summary:
        `At least ${runs} calls of each kind, in random order, on ${target.database}.${planted} p is from Mann-Whitney's U test ` +
        `of the calls, and of the fastest of each ${BLOCK} calls in a row, which vary less; two kinds are told apart if one of them ` +
        `is below ${SIGNIFICANT}. The interval is from a bootstrap of the medians. A pair is called up to ${MOST_BATCHES * runs} times, until ` +
        `a leak of ${LEAK_MS} ms would be detected in 95 of 100 runs. The rate limits allow an attacker 10 links a day ` +
        "per address and network and 60 failures a minute per network.",
      table: { head: HEAD, rows },
    };
  } finally {
    await target.close();
  }
}

type Samples = [first: number[], second: number[]];

/** Times both calls of a pair until a leak would be detected. @returns milliseconds */
async function measure(target: Target, pair: Pair, options: TimingOptions): Promise<Samples> {
  const samples: Samples = [[], []];
  for (let batch = 0; batch < MOST_BATCHES; batch++) {
    await timeBatch(target, pair, options, samples);
    if (needed(samples[0]) <= samples[0].length) break;
    // Lets a short burst of other work pass.
    await pause(100);
  }
  return samples;
}

/** Runs both calls of a pair `runs` times in random order, and adds their times, without the calls that warm up. */
async function timeBatch(
  target: Target,
  pair: Pair,
  { runs, plantedMs }: TimingOptions,
  samples: Samples,
): Promise<void> {
  const [first, second] = await pair.prepare(target, runs + WARM_UP_CALLS);
  for (let run = 0; run < runs + WARM_UP_CALLS; run++) {
    const order = Math.random() < 0.5 ? ([0, 1] as const) : ([1, 0] as const);
    for (const which of order) {
      const call = which === 0 ? first : second;
      const startedAt = performance.now();
      if (which === 1) takeMs(plantedMs);
      await call(run);
      if (run >= WARM_UP_CALLS) samples[which].push(performance.now() - startedAt);
    }
  }
}

/** How many calls of a kind with these times detect a leak, by all calls or by the fastest ones. */
const needed = (sample: readonly number[]): number =>
  Math.min(callsToDetect(sample, LEAK_MS), BLOCK * callsToDetect(fastestOf(sample, BLOCK), LEAK_MS));

const shown = (p: number) => (p < 0.0001 ? "< 0.0001" : p.toFixed(4));

function rowOf(name: string, first: number[], second: number[]): string[] {
  const all = mannWhitney(first, second);
  const fastest = mannWhitney(fastestOf(first, BLOCK), fastestOf(second, BLOCK));
  const [low, high] = medianDifference(first, second).map(microseconds);
  const detecting = needed(first);
  return [
    name,
    String(first.length),
    String(microseconds(median(first))),
    String(microseconds(median(second))),
    `${low} to ${high}`,
    all.superiority.toFixed(3),
    shown(all.p),
    shown(fastest.p),
    String(detecting),
    resultOf(all, fastest, detecting <= first.length),
  ];
}

type Compared = ReturnType<typeof mannWhitney>;

/** @param isDecided whether a leak would have been detected */
function resultOf(all: Compared, fastest: Compared, isDecided: boolean): string {
  const calls = Math.min(
    all.p < SIGNIFICANT ? callsToTellApart(all.superiority) : Number.POSITIVE_INFINITY,
    fastest.p < SIGNIFICANT ? BLOCK * callsToTellApart(fastest.superiority) : Number.POSITIVE_INFINITY,
  );
  if (calls < Number.POSITIVE_INFINITY) return `told apart with about ${calls} calls of each kind`;
  return isDecided ? "not told apart" : "undecided: the times vary too much";
}
