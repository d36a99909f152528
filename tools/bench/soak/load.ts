import { setTimeout as wait } from "node:timers/promises";

/** Above this many running calls the stack is overloaded: no call starts until one ends. */
const MOST_RUNNING = 400;

/** Runs operations with a fixed concurrency. @returns operations per second */
export async function measureCapacity(
  seconds: number,
  inFlight: number,
  act: () => Promise<void>,
): Promise<number> {
  const endMs = performance.now() + 1000 * seconds;
  let done = 0;
  const runNext = async () => {
    while (performance.now() < endMs) {
      await act();
      done++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, runNext));
  return done / seconds;
}

/**
 * Starts operations at a fixed rate until the end, whether or not earlier ones have ended.
 * @returns how many were started, and how many were skipped because too many were running
 */
export async function startAtRate(
  perSecond: number,
  endMs: number,
  act: () => Promise<void>,
): Promise<{ started: number; skipped: number }> {
  const running = new Set<Promise<void>>();
  const startedAt = performance.now();
  let [started, skipped] = [0, 0];
  while (performance.now() < endMs) {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond);
    while (started + skipped < due) {
      if (running.size >= MOST_RUNNING) {
        skipped++;
        continue;
      }
      started++;
      const acting = act();
      running.add(acting);
      acting.finally(() => running.delete(acting));
    }
    await wait(5);
  }
  await Promise.all(running);
  return { started, skipped };
}
