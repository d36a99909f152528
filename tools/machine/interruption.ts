/** The exit status of a program that Ctrl-C ended: 128 and the number of SIGINT. */
export const INTERRUPTED = 130;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Signals that ask this program to end, as an AbortSignal. Disposing restores Node's own handling. */
export interface Interruption extends Disposable {
  signal: AbortSignal;
  /** Resolves at the first signal. */
  happened: Promise<void>;
}

/**
 * Catches SIGINT, SIGTERM and SIGHUP from now on, so that the program can stop what it started. Further signals are
 * ignored: npm forwards Ctrl-C to a program that the terminal interrupts as well.
 */
export function catchInterruption(): Interruption {
  const controller = new AbortController();
  const { promise: happened, resolve } = Promise.withResolvers<void>();
  const interrupt = () => {
    controller.abort(new Error("interrupted"));
    resolve();
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  return {
    signal: controller.signal,
    happened,
    [Symbol.dispose]() {
      for (const name of SIGNALS) process.off(name, interrupt);
    },
  };
}
