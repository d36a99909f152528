import type { Core } from "#core/core.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";

/**
 * Ends what an activation left that stopped halfway: the sessions that started before the factor, except the session that added it.
 * While its call can be repeated, that is left to the call, which also issues the recovery codes.
 * @param factors the active factors of one user
 * @param now ISO
 */
export async function finishStoppedActivations(
  { mfaFactors, users }: Pick<Core, "mfaFactors" | "users">,
  factors: readonly MfaFactor[],
  now: string,
): Promise<void> {
  for (const { _id, userId, activation, activatedAt, expiresAt } of factors) {
    if (!activation || activation.isComplete || activatedAt === null || expiresAt > now) continue;
    await users.endSessions(userId, activatedAt, activation.by);
    await mfaFactors.completeActivation(_id);
  }
}
