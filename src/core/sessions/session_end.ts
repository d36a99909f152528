import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { DAY, plusSeconds } from "#core/clock.ts";

/** A refresh token that is not used for this long expires. */
export const REFRESH_TOKEN_LIFETIME_SECONDS = 365 * DAY;

type Limits = Pick<OAuthClient, "sessionMaxDays" | "sessionIdleDays">;

/** For how long a session of a client lasts without a refresh, in seconds. */
export function longestIdleSeconds({ sessionIdleDays }: Pick<Limits, "sessionIdleDays">): number {
  if (sessionIdleDays === null) return REFRESH_TOKEN_LIFETIME_SECONDS;
  return Math.min(sessionIdleDays * DAY, REFRESH_TOKEN_LIFETIME_SECONDS);
}

/**
 * When a session ends at the latest unless it is refreshed: after the days that its client allows since the sign-in, or since
 * the last refresh.
 * @param startedAt the sign-in, ISO
 * @param lastUsedAt the sign-in or the last refresh
 */
export function sessionEnd(
  { sessionMaxDays, sessionIdleDays }: Limits,
  startedAt: string,
  lastUsedAt: Date,
): Date {
  const idleEnd = plusSeconds(lastUsedAt, longestIdleSeconds({ sessionIdleDays }));
  if (sessionMaxDays === null) return idleEnd;
  const lastEnd = plusSeconds(new Date(startedAt), sessionMaxDays * DAY);
  return lastEnd < idleEnd ? lastEnd : idleEnd;
}
