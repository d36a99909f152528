import { CallFailure } from "./errors.ts";
import type { Method } from "./methods.ts";

/** Waits for work that other calls share. An abort ends the wait, but not the work. */
export async function unlessAborted<Value>(
  method: Method,
  work: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (!signal) return work;
  let stop = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(new CallFailure(method, "aborted", { cause: signal.reason }));
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
