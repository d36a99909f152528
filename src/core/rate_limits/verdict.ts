import { NestError } from "#core/errors.ts";
import type { LimitWindows } from "#core/repositories/limit_windows.ts";
import type { CountedGroup, WindowLimit } from "#core/repositories/window_pipeline.ts";

/** Whether limits allow a call. */
export interface Verdict {
  isAllowed: boolean;
  /** Seconds until a window with room begins; 0 if the call is allowed. */
  retryAfterSeconds: number;
  /** The windows that counted the call, for `release`. */
  counted: readonly WindowLimit[];
}

/** The verdict of each counted group, and whether another group has room. */
export interface Counted {
  verdicts: Verdict[];
  room: Verdict;
}

/** No limit applies: all are disabled, or the limiter is unreachable. */
export const ALLOWED: Verdict = { isAllowed: true, retryAfterSeconds: 0, counted: [] };

/** @param fullUntil when the full window ends */
export const refusedUntil = (fullUntil: Date | number, now: Date | number): Verdict => ({
  isAllowed: false,
  retryAfterSeconds: Math.max(1, Math.ceil((Number(fullUntil) - Number(now)) / 1000)),
  counted: [],
});

/**
 * Reads from the document after a call whether a group counted it.
 * @param group the windows that the call named
 */
export function verdictOf(group: CountedGroup, { windows, lastCounted }: LimitWindows, now: Date): Verdict {
  const counted = group.flat().filter(({ id }) => lastCounted.includes(id));
  if (counted.length > 0 || group.length === 0) return { ...ALLOWED, counted };
  return roomOf(group, { windows }, now);
}

/** Judges whether a group has room for a call that was not counted. */
export function roomOf(group: CountedGroup, { windows }: Pick<LimitWindows, "windows">, now: Date): Verdict {
  const full = group.flatMap((alternatives) => {
    const ends = alternatives.map(({ id, capacity }) => {
      const window = windows.find((stored) => stored.id === id);
      return window && window.count >= capacity ? window.endsAt.getTime() : 0;
    });
    return Math.min(...ends) > now.getTime() ? [Math.min(...ends)] : [];
  });
  return full.length === 0 ? ALLOWED : refusedUntil(Math.max(...full), now);
}

/**
 * Refuses a call if any of its limits refused it.
 * @param longest upper bound of the reported wait, in seconds
 * @throws NestError rate_limited with the longest wait in seconds
 */
export function refuseIfOver(verdicts: readonly Verdict[], longest = Number.POSITIVE_INFINITY): void {
  const over = verdicts.filter(({ isAllowed }) => !isAllowed);
  if (over.length === 0) return;
  const retryAfterSeconds = Math.min(longest, Math.max(...over.map((verdict) => verdict.retryAfterSeconds)));
  throw new NestError("rate_limited", { meta: { retry_after: retryAfterSeconds }, retryAfterSeconds });
}
