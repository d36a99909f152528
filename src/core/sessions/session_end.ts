import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { DAY, plusSeconds } from "#core/clock.ts";

/** A refresh token that is not used for this long expires. */
export const REFRESH_TOKEN_LIFETIME_SECONDS = 365 * DAY;

/**
 * When a session ends at the latest unless it is refreshed: after the days that its client allows since the sign-in, or since
 * the last refresh.
 * @param startedAt the sign-in, ISO
 * @param lastUsedAt the sign-in or the last refresh
 */
export function sessionEnd(
  { sessionMaxDays, sessionIdleDays }: Pick<OAuthClient, "sessionMaxDays" | "sessionIdleDays">,
  startedAt: string,
  lastUsedAt: Date,
): Date {
  const idleSeconds = sessionIdleDays === null ? REFRESH_TOKEN_LIFETIME_SECONDS : sessionIdleDays * DAY;
  const idleEnd = plusSeconds(lastUsedAt, Math.min(idleSeconds, REFRESH_TOKEN_LIFETIME_SECONDS));
  if (sessionMaxDays === null) return idleEnd;
  const lastEnd = plusSeconds(new Date(startedAt), sessionMaxDays * DAY);
  return lastEnd < idleEnd ? lastEnd : idleEnd;
}
