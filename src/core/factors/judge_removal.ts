import { type Caller, userOf } from "#core/call.ts";
import { plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { decideAgain } from "#core/decide_again.ts";
import { NestError } from "#core/errors.ts";
import { requireNoneShutOut } from "#core/factors/judge_factor.ts";
import { type ReachCore, staysReachable } from "#core/factors/ways_in.ts";
import { requiresEnrolment } from "#core/mfa/policy.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";
import type { RecoveryCodes } from "#core/repositories/recovery_codes.ts";
import type { User } from "#core/repositories/users.ts";
import { KEPT_SECONDS, unfinishedRemovals } from "#core/users/unfinished_removals.ts";

type JudgeCore = ReachCore & Pick<Core, "clock" | "mfaFactors" | "recoveryCodes" | "users">;

/** A factor that is to be removed, and who removes it. */
export interface AskedRemoval {
  userId: string;
  factorId: string;
  /** Whether the user accepts that some clients can't sign them in any more. */
  confirm: boolean;
  caller: Caller;
}

/** What a removal has read before it. */
export interface AllowedRemoval {
  found: MfaFactor;
  codes: RecoveryCodes | null;
}

/**
 * Decides whether a factor may be removed, also if several calls remove factors, addresses or linked accounts of the user at once. If
 * the policy requires a factor, one must be left. A way to sign in that works with the factors must be left too. These rules do not apply
 * to a factor that is not active, nor to an administrator who removes a factor of another user.
 * @param isOwn whether its user removes it
 * @throws NestError factor_not_found, mfa_required_by_policy, mfa_confirmation_required, factor_repeats_sign_in, unavailable
 */
export function allowRemoval(core: JudgeCore, asked: AskedRemoval, isOwn: boolean): Promise<AllowedRemoval> {
  const { userId, factorId: id } = asked;
  return decideAgain(async () => {
    const since = plusSeconds(core.clock.now(), -KEPT_SECONDS).toISOString();
    // Before the factors: a factor that was activated beside a way in which was removed since must be seen.
    const user = isOwn ? await core.users.find(userId) : null;
    const [factors, codes] = await Promise.all([
      core.mfaFactors.listForRemoval(userId, { id, since }),
      core.recoveryCodes.findByUser(userId),
    ]);
    const found = factors.find(({ _id }) => _id === id);
    if (!found || (isOwn && !user)) throw new NestError("factor_not_found");
    const isAllowed =
      user === null || found.status !== "active" || (await judge(core, asked, { user, found, factors }));
    return isAllowed ? { found, codes } : null;
  }, "the user removed other ways in or factors");
}

/**
 * @returns false if another removal of the user was allowed since these were read
 * @throws NestError mfa_required_by_policy, mfa_confirmation_required, factor_repeats_sign_in
 */
async function judge(
  core: JudgeCore,
  { userId, confirm, caller }: AskedRemoval,
  { user, found, factors }: { user: User; found: MfaFactor; factors: readonly MfaFactor[] },
): Promise<boolean> {
  const { _id: id } = found;
  const { removedIdentifierIds: removed = [] } = user;
  const others = factors.filter(({ _id, status }) => status === "active" && _id !== id);
  const left = others.filter(({ _id }) => !removed.includes(_id));
  if (left.length === 0) {
    if (requiresEnrolment(core.oauthClients.require(userOf(caller).clientId), user))
      throw new NestError("mfa_required_by_policy");
  } else {
    const before = [...left, found];
    if (!confirm) requireNoneShutOut(core.oauthClients.list(), { before, after: left });
  }
  if (!(await staysReachable(core, userId, { factors: others, removed })))
    throw new NestError("factor_repeats_sign_in");
  // An earlier call that stopped halfway was allowed to remove it.
  if (removed.includes(id)) return true;
  const all = ["mfaFactor"] as const;
  const kept = unfinishedRemovals(removed, { found: factors, all, now: core.clock.now() });
  return core.users.recordRemoval(userId, id, removed, kept);
}
