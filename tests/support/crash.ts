import type { OpenCore } from "#core/core.ts";
import { interceptIo } from "#tests/support/io_interceptor.ts";
import { suiteOptions } from "#tests/support/suite_options.ts";

/** Where a process crashes: before or after its n-th write, counted from 1. 0: it never crashes. */
export interface CrashPoint {
  at: number;
  when: "before" | "after";
}

/**
 * The sides of a write at which a test crashes. A crash before a write equals a crash after the previous write, unless the
 * two writes are concurrent. So only `npm run test:faults -- --suite crashes --all` runs both sides of every write.
 */
export function crashSides(at: number): readonly CrashPoint["when"][] {
  return at === 1 || suiteOptions.isWhole ? ["before", "after"] : ["after"];
}

export interface CrashingCore {
  open: OpenCore;
  /** Resolves when the writes that were running at the crash have ended. */
  settled(): Promise<unknown>;
}

type Work = () => Promise<unknown>;

const never = () => new Promise<never>(() => undefined);

/**
 * A core whose process crashes at a write: to the database, to Stripe or to the mail service. Writes before it are real.
 * From it on no write runs and no result returns.
 * @param onCrash called at the crash; by default the core only stops responding
 */
export function crashAt(
  open: OpenCore,
  point: CrashPoint,
  onCrash: () => void = () => undefined,
): CrashingCore {
  let writes = 0;
  let hasCrashed = false;
  const running = new Set<Promise<unknown>>();

  const crash = () => {
    hasCrashed = true;
    onCrash();
    return never();
  };
  const read = async (work: Work) => {
    if (hasCrashed) return never();
    const result = await work();
    return hasCrashed ? never() : result;
  };
  const write = async (work: Work) => {
    if (hasCrashed) return never();
    const isLast = ++writes === point.at;
    if (isLast && point.when === "before") return crash();
    const working = work();
    running.add(working);
    const result = await working.finally(() => running.delete(working));
    if (hasCrashed) return never();
    return isLast ? crash() : result;
  };
  return {
    settled: () => Promise.allSettled(running),
    open: interceptIo(open, ({ isRead }, work) => (isRead ? read(work) : write(work))),
  };
}
