import { oneAtATime } from "./sequence.ts";
import type { Store } from "./store.ts";

/** The longest delay of `setTimeout`, about 25 days. A longer delay fires immediately. */
export const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Runs work while no other client of the store runs work.
 * @param waitMs how long to wait for the lock, in milliseconds
 */
export type Exclusively = <Value>(work: () => Promise<Value>, waitMs?: number) => Promise<Value>;

/**
 * Creates the function that runs a client's work under the lock of its store. Work starts without the lock if the lock
 * fails, or is not granted in time: a tab that hangs must not stop the other tabs, and Nest allows two refreshes at once.
 * @param timeoutMs how long work waits for the lock by default, in milliseconds
 */
export function exclusiveAccess(store: Store, timeoutMs: number): Exclusively {
  const inSequence = oneAtATime();
  return <Value>(work: () => Promise<Value>, waitMs = timeoutMs) =>
    new Promise<Value>((resolve) => {
      let running: Promise<Value> | null = null;
      const start = () => {
        clearTimeout(timer);
        running ??= work();
        resolve(running);
        return running;
      };
      const timer = setTimeout(start, Math.min(waitMs, MAX_DELAY_MS));
      const lock = async () => (store.lock ? store.lock(start) : inSequence(start));
      // A lock that fails after the work has started changes nothing.
      lock().catch(() => void start());
    });
}
