import { CallFailure } from "./errors.ts";
import type { Method } from "./methods.ts";

/**
 * Calls `stop` when the signal is aborted, or immediately if it is aborted already. Returns a function that removes the
 * listener.
 */
export function onAbort(signal: AbortSignal | undefined, stop: () => void): () => void {
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  return () => signal?.removeEventListener("abort", stop);
}

/** Waits for work that other calls share. An abort ends the wait, but not the work. */
export function unlessAborted<Value>(
  method: Method,
  work: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new CallFailure(method, "aborted", { cause: signal?.reason }));
    const end = onAbort(signal, stop);
    work.then(resolve, reject).finally(end);
  });
}
