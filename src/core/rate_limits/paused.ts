import type { Subject } from "#core/rate_limits/limits.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { LimitWindowsRepository } from "#core/repositories/limit_windows.ts";

/**
 * Until when a subject has to wait because of pauses, for people who ask why calls are refused. It counts nothing.
 * @returns the longest pause among the parts of the subject, such as networks; null if there is none
 */
export async function pausedUntil(
  { limitWindows, rateLimiter }: { limitWindows: LimitWindowsRepository; rateLimiter: RateLimiter },
  subject: Subject,
): Promise<Date | null> {
  const stored = await limitWindows.find(rateLimiter.keyOf(...subject));
  const now = new Date();
  const pauses = (stored?.windows ?? []).flatMap((window) => window.pausedUntil ?? []);
  return pauses.reduce<Date | null>(
    (longest, pause) => (pause > now && (longest === null || pause > longest) ? pause : longest),
    null,
  );
}
