/** Times of a number of calls. */
export interface Timing {
  /** Milliseconds from the start of the first call to the end of the last call. */
  wallMs: number;
  /** Milliseconds of each call. */
  latenciesMs: number[];
}

/**
 * Runs calls with a fixed concurrency: the next call starts when a call ends.
 * @param work runs the call with this index
 */
export async function runConcurrently(
  count: number,
  inFlight: number,
  work: (index: number) => Promise<void>,
): Promise<Timing> {
  const latenciesMs: number[] = new Array(count);
  let next = 0;
  const runNext = async () => {
    while (next < count) {
      const index = next++;
      const startedAt = performance.now();
      await work(index);
      latenciesMs[index] = performance.now() - startedAt;
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, runNext));
  return { wallMs: performance.now() - startedAt, latenciesMs };
}
