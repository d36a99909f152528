import { DAY, HOUR, MINUTE, plusSeconds } from "#core/clock.ts";

/** Seconds between an attempt and the next one, by the number of attempts that began. */
export const RETRY_SECONDS = [
  5,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
] as const;

/** The most seconds that a receiver can ask for. */
const RETRY_AFTER_LIMIT_SECONDS = DAY;
/** A delay is up to this share shorter or longer, so that the messages of an outage do not all return at once. */
const JITTER = 0.1;

/** The seconds of a `Retry-After`, at most a day; 0 for none and for a text that is neither seconds nor a date (RFC 9110, 10.2.3). */
export function readRetryAfter(value: string | null, now: Date): number {
  if (value === null) return 0;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : (Date.parse(value) - now.getTime()) / 1000;
  return Number.isNaN(seconds) ? 0 : Math.min(Math.max(0, seconds), RETRY_AFTER_LIMIT_SECONDS);
}

/**
 * When a delivery is sent again after an attempt that failed, without I/O.
 * @param tries attempts that began
 * @param random from 0 to below 1
 * @returns ISO; null after the last attempt
 */
export function nextAttemptAt(
  tries: number,
  { now, retryAfter, random }: { now: Date; retryAfter: string | null; random: number },
): string | null {
  const delay = RETRY_SECONDS[tries - 1];
  if (delay === undefined) return null;
  const jittered = delay * (1 - JITTER + 2 * JITTER * random);
  return plusSeconds(now, Math.max(jittered, readRetryAfter(retryAfter, now))).toISOString();
}
