import { NestError } from "#core/errors.ts";
import type { LimitWindows } from "#core/repositories/limit_windows.ts";
import type { CountedGroup, CountedWindow } from "#core/repositories/window_pipeline.ts";

/** Whether a group of limits allows a call. */
export interface Verdict {
  isAllowed: boolean;
  /** Seconds until the full window ends; 0 if the call is allowed. */
  retryAfterSeconds: number;
  /** The windows that counted the call, for `release`. */
  counted: readonly CountedWindow[];
}

/** The result of a count. */
export interface Counted {
  /** One verdict for each group. */
  verdicts: Verdict[];
  /** Whether the peeked group would allow a call. */
  peeked: Verdict;
}

/** Also the verdict if all limits are disabled or the database does not respond. */
export const ALLOWED: Verdict = { isAllowed: true, retryAfterSeconds: 0, counted: [] };

/** @param fullUntil when the full window ends */
export const refusedUntil = (fullUntil: Date | number, now: Date | number): Verdict => ({
  isAllowed: false,
  retryAfterSeconds: Math.max(1, Math.ceil((Number(fullUntil) - Number(now)) / 1000)),
  counted: [],
});

/** The verdict of a group about a call, read from the document that the count returned. */
export function verdictOf(group: CountedGroup, { windows, lastCounted }: LimitWindows, now: Date): Verdict {
  const counted = group.flat().flatMap(({ id, limit }) => {
    const window = lastCounted.includes(id) && windows.find((stored) => stored.id === id);
    return window ? [{ id, limit, endsAt: window.endsAt }] : [];
  });
  if (counted.length > 0 || group.length === 0) return { ...ALLOWED, counted };
  return peekVerdict(group, { windows }, now);
}

/** Whether a group would allow a call that it has not counted. */
export function peekVerdict(
  group: CountedGroup,
  { windows }: Pick<LimitWindows, "windows">,
  now: Date,
): Verdict {
  const full = group.flatMap((alternatives) => {
    const ends = alternatives.map(({ id, capacity }) => {
      const window = windows.find((stored) => stored.id === id);
      return window && window.count >= capacity ? (window.pausedUntil ?? window.endsAt).getTime() : 0;
    });
    return Math.min(...ends) > now.getTime() ? [Math.min(...ends)] : [];
  });
  return full.length === 0 ? ALLOWED : refusedUntil(Math.max(...full), now);
}

/**
 * Throws if any verdict refuses the call.
 * @param maxRetryAfterSeconds the longest wait that is reported
 * @throws NestError rate_limited, with the longest wait of the verdicts
 */
export function refuseIfOver(
  verdicts: readonly Verdict[],
  maxRetryAfterSeconds = Number.POSITIVE_INFINITY,
): void {
  const over = verdicts.filter(({ isAllowed }) => !isAllowed);
  if (over.length === 0) return;
  const retryAfterSeconds = Math.min(
    maxRetryAfterSeconds,
    Math.max(...over.map((verdict) => verdict.retryAfterSeconds)),
  );
  throw new NestError("rate_limited", { meta: { retry_after: retryAfterSeconds }, retryAfterSeconds });
}
