import { DAY } from "#core/clock.ts";
import type { Trial } from "#core/repositories/trials.ts";
import { KEPT_AFTER_END_SECONDS } from "#core/retention.ts";

/**
 * Whether a trial can be removed: it was never redeemed or used, no heartbeat reported it as usable, and it ran out 30 days ago (contract 1.7). A document of an
 * earlier release is not, until its migration.
 * @param trialDays how long a trial lasts that Stripe was never asked for, in days
 */
export function isRemovable(trial: Trial, trialDays: number, now: Date): boolean {
  const { usedAt, grantedAt = null, redeemedAt, identifierValue, endsAt, claimedAt, createdAt } = trial;
  if (usedAt !== null || grantedAt !== null || redeemedAt !== null || !identifierValue) return false;
  const latest = Date.parse(claimedAt ?? createdAt) + trialDays * DAY * 1000;
  const end = endsAt === null ? latest : Math.max(latest, Date.parse(endsAt));
  return end + KEPT_AFTER_END_SECONDS * 1000 <= now.getTime();
}
