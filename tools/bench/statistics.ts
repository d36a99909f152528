/** The quantile of a sample, by nearest rank; NaN for an empty sample. */
export function quantile(sample: readonly number[], share: number): number {
  const sorted = [...sample].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

export const median = (sample: readonly number[]) => quantile(sample, 0.5);

/** The slope of the least-squares line through points, in units of y per unit of x. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [middleX, middleY] = [mean(0), mean(1)];
  const above = points.reduce((sum, [x, y]) => sum + (x - middleX) * (y - middleY), 0);
  const below = points.reduce((sum, [x]) => sum + (x - middleX) ** 2, 0);
  return below === 0 ? 0 : above / below;
}

/** Rounds to significant digits. */
export const round = (value: number, digits = 4) => Number(value.toPrecision(digits));

/** The throughput of a number of calls. */
export const callsPerSecond = ({ latenciesMs, wallMs }: { latenciesMs: readonly number[]; wallMs: number }) =>
  (1000 * latenciesMs.length) / wallMs;
