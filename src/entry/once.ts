/** A value that is opened at most once at a time and shared by every call. */
export interface Once<Value> {
  /** Starts opening before the first call needs the value. */
  start(): void;
  /** Waits for the value. @throws what `open` rejected with */
  get(): Promise<Value>;
}

/**
 * Opens a value on first use and keeps it. Simultaneous callers share one attempt.
 *
 * A permanent failure is kept, since the environment that caused it does not change. A retryable failure is dropped:
 * the next `get` opens again. A `get` that waited for an attempt of an earlier moment tries once more itself, because
 * Lambda may have frozen the process between module load and the call, so that the attempt only timed out.
 * @param open opens the value
 * @param isRetryable whether a later attempt can succeed where this one failed
 */
export function once<Value>(
  open: () => Promise<Value>,
  isRetryable: (error: unknown) => boolean,
): Once<Value> {
  let current: Promise<Value> | undefined;
  const begin = () => {
    const attempt = open();
    attempt.catch((error: unknown) => {
      if (isRetryable(error)) current = undefined;
    });
    current = attempt;
    return attempt;
  };
  return {
    start() {
      if (current === undefined) begin();
    },
    async get() {
      const earlier = current;
      if (earlier === undefined) return begin();
      try {
        return await earlier;
      } catch (error) {
        if (!isRetryable(error)) throw error;
        return current ?? begin();
      }
    },
  };
}
