import type { Trial } from "#core/repositories/trials.ts";

/** The fields that decide whether a trial was used. */
type Use = Pick<Trial, "usedAt" | "redeemedAt" | "signedInAt" | "endsAt">;

/** The length in days that a trial gets from its first use; null for a used trial, and for a subscription without one. */
export function unusedDaysOf(trial: Trial | null, trialDays: number): number | null {
  return trial && !isUsed(trial) ? trialDays : null;
}

/**
 * Whether a trial was used: it granted access at a status call (contract 1.7). Reminders, renewal and clean-up decide by
 * this and by `grantedAt`. A document of an earlier release, before its migration, counts as used if its link was redeemed or its
 * owner signed in before it ended.
 */
export function isUsed({ usedAt, redeemedAt, signedInAt, endsAt }: Use): boolean {
  if (usedAt !== undefined) return usedAt !== null;
  const signedInInTime = signedInAt != null && (endsAt == null || signedInAt <= endsAt);
  return redeemedAt != null || signedInInTime;
}
