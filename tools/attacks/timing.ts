/**
 * Compares how long the service takes for what a stranger must not tell apart: `npm run attack:timing -- --runs 300`.
 *
 * Both of a pair run on the real handlers and a real database of their own, in random order, each address and token once.
 * A pair is told apart if Mann-Whitney's p is below 0.01; two controls show what the instrument sees and does not see.
 * Timings are reported, never asserted: tests/attacks/enumeration.test.ts holds that the same steps are taken.
 */
import { parseArgs } from "node:util";
import {
  callsToTellApart,
  mannWhitney,
  median,
  medianDifference,
  smallestSeen,
} from "#tools/attacks/statistics.ts";
import { type Pair, pairs } from "#tools/attacks/timing_pairs.ts";
import { openTarget, type Target } from "#tools/attacks/timing_target.ts";

const SIGNIFICANT = 0.01;
const WARM_UP = 30;

const { values } = parseArgs({ options: { runs: { type: "string", default: "300" } } });
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 20) {
  console.error("--runs takes a whole number from 20 on.");
  process.exit(2);
}

const microseconds = (ms: number) => Math.round(ms * 1000);

/** Runs both of a pair `runs` times in random order. @returns milliseconds, without those of warming up */
async function measure(target: Target, pair: Pair): Promise<[first: number[], second: number[]]> {
  const samples: [number[], number[]] = [[], []];
  const [first, second] = await pair.prepare(target, runs + WARM_UP);
  for (let run = 0; run < runs + WARM_UP; run++) {
    const order = Math.random() < 0.5 ? [0, 1] : [1, 0];
    for (const which of order) {
      const call = which === 0 ? first : second;
      const startedAt = performance.now();
      await call(run);
      if (run >= WARM_UP) samples[which as 0 | 1].push(performance.now() - startedAt);
    }
  }
  return samples;
}

function row(name: string, first: number[], second: number[]): string[] {
  const { superiority, p } = mannWhitney(first, second);
  const [low, high] = medianDifference(first, second).map(microseconds);
  const isToldApart = p < SIGNIFICANT;
  return [
    name,
    String(microseconds(median(first))),
    String(microseconds(median(second))),
    `${low} to ${high}`,
    superiority.toFixed(3),
    p < 0.0001 ? "< 0.0001" : p.toFixed(4),
    isToldApart ? `told apart, with about ${callsToTellApart(superiority)} calls of each` : "alike",
  ];
}

function print(rows: readonly string[][]): void {
  const widths =
    rows[0]?.map((_cell, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0))) ?? [];
  for (const cells of rows)
    console.log(cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
}

const target = await openTarget();
try {
  console.log(`${runs} calls of each, interleaved, on ${target.database}. Times in microseconds.\n`);
  const rows = [
    [
      "What is compared",
      "median",
      "median",
      "difference, 95 %",
      "P(2nd slower)",
      "p",
      "A stranger finds them",
    ],
  ];
  for (const pair of pairs) rows.push(row(pair.name, ...(await measure(target, pair))));
  print(rows);
  const unseen = smallestSeen(runs);
  console.log(`
p is Mann-Whitney's; the interval is of the difference of medians, by bootstrap. So many calls see a P outside
${(0.5 - unseen).toFixed(2)} to ${(0.5 + unseen).toFixed(2)}; what lies within can go unseen. Limits allow 20 links a day to an address, and 60 failures a
minute to a network.`);
} finally {
  await target.close();
}
