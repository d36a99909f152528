import { setTimeout as wait } from "node:timers/promises";

/** More than that under way means that it can't keep up: nothing more is begun until some has ended. */
const MOST_UNDER_WAY = 400;

/** Does as much as goes, with so many under way at a time. @returns how many a second */
export async function measureCapacity(
  seconds: number,
  inFlight: number,
  act: () => Promise<void>,
): Promise<number> {
  const endMs = performance.now() + 1000 * seconds;
  let done = 0;
  const lane = async () => {
    while (performance.now() < endMs) {
      await act();
      done++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return done / seconds;
}

/**
 * Begins so many a second until the time is up, whether earlier ones have ended or not, as users do.
 * @returns how many were begun, and how many could not be because too many were under way
 */
export async function keepUp(
  perSecond: number,
  endMs: number,
  act: () => Promise<void>,
): Promise<{ begun: number; leftOut: number }> {
  const underWay = new Set<Promise<void>>();
  const startedAt = performance.now();
  let [begun, leftOut] = [0, 0];
  while (performance.now() < endMs) {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond);
    while (begun + leftOut < due) {
      if (underWay.size >= MOST_UNDER_WAY) {
        leftOut++;
        continue;
      }
      begun++;
      const acting = act();
      underWay.add(acting);
      acting.finally(() => underWay.delete(acting));
    }
    await wait(5);
  }
  await Promise.all(underWay);
  return { begun, leftOut };
}
