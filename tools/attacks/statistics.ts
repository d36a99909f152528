import { seededRandom } from "#stripe_double/random.ts";

export function median(sample: readonly number[]): number {
  const sorted = [...sample].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  const [upper = 0, lower = 0] = [sorted[middle], sorted[middle - 1]];
  return sorted.length % 2 === 1 ? upper : (lower + upper) / 2;
}

export interface Comparison {
  /** Probability that a value of the second sample is larger than a value of the first; 0.5: no difference. */
  superiority: number;
  /** Two-sided p of the null hypothesis, by the normal approximation with correction for ties. */
  p: number;
}

/** The Mann-Whitney U test: whether the values of one sample tend to be larger. It assumes no distribution. */
export function mannWhitney(first: readonly number[], second: readonly number[]): Comparison {
  const all = [
    ...first.map((value) => ({ value, isSecond: false })),
    ...second.map((value) => ({ value, isSecond: true })),
  ].sort((one, other) => one.value - other.value);
  let rankSum = 0;
  let ties = 0;
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]?.value === all[from]?.value) to++;
    const rank = (from + 1 + to) / 2;
    for (let index = from; index < to; index++) if (all[index]?.isSecond) rankSum += rank;
    ties += (to - from) ** 3 - (to - from);
    from = to;
  }
  const [n, m, total] = [first.length, second.length, all.length];
  const u = rankSum - (m * (m + 1)) / 2;
  const deviation = Math.sqrt(((n * m) / 12) * (total + 1 - ties / (total * (total - 1))));
  const z = deviation === 0 ? 0 : Math.max(0, Math.abs(u - (n * m) / 2) - 0.5) / deviation;
  return { superiority: u / (n * m), p: 2 * upperTail(z) };
}

/** The upper tail of the normal distribution (Abramowitz and Stegun, 7.1.26; error below 1.5e-7). */
function upperTail(z: number): number {
  const x = z / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const series =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return (series * Math.exp(-x * x)) / 2;
}

/** The 95 % interval of the difference of medians (second minus first), by bootstrap. */
export function medianDifference(
  first: readonly number[],
  second: readonly number[],
  rounds = 2000,
): [low: number, high: number] {
  const random = seededRandom(1);
  const resample = (sample: readonly number[]) =>
    sample.map(() => sample[Math.floor(random() * sample.length)] as number);
  const differences = Array.from(
    { length: rounds },
    () => median(resample(second)) - median(resample(first)),
  ).sort((one, other) => one - other);
  return [differences[Math.floor(rounds * 0.025)] ?? 0, differences[Math.floor(rounds * 0.975)] ?? 0];
}

/**
 * The fastest of each `size` values in a row. Other work of the machine only adds to a time, so that these vary much less than
 * the times do.
 */
export function fastestOf(sample: readonly number[], size: number): number[] {
  const blocks = Math.floor(sample.length / size);
  return Array.from({ length: blocks }, (_, block) =>
    Math.min(...sample.slice(block * size, (block + 1) * size)),
  );
}

/** Two kinds of call are distinguished if p is below this. Low, since each run of the suite makes about 30 comparisons. */
export const SIGNIFICANT = 0.002;

/** Squared sum of the normal quantiles for this significance (two-sided) and 95 % power. */
const QUANTILES = (3.09 + 1.645) ** 2;

/** How many calls of each kind distinguish them at this superiority, with 95 % power (Noether 1987). */
export function callsToTellApart(superiority: number): number {
  return Math.ceil(QUANTILES / (6 * (superiority - 0.5) ** 2));
}

/** How many calls of each kind detect that one kind takes `ms` longer, if the others take the times of the sample. */
export function callsToDetect(sample: readonly number[], ms: number): number {
  const slower = sample.map((value) => value + ms);
  return callsToTellApart(mannWhitney(sample, slower).superiority);
}
