/** How a number of calls went. */
export interface Timing {
  /** From the first call's start to the last one's end, in milliseconds. */
  wallMs: number;
  /** Of each call, in milliseconds. */
  latenciesMs: number[];
}

/**
 * Makes calls of which so many are under way at a time; the next one starts when one ends.
 * @param work makes the n-th
 */
export async function runConcurrently(
  count: number,
  inFlight: number,
  work: (index: number) => Promise<void>,
): Promise<Timing> {
  const latenciesMs: number[] = new Array(count);
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const index = next++;
      const startedAt = performance.now();
      await work(index);
      latenciesMs[index] = performance.now() - startedAt;
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, lane));
  return { wallMs: performance.now() - startedAt, latenciesMs };
}
