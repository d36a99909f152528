import type { Call, Caller } from "#core/call.ts";
import { userOf } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { byCaller } from "#core/events/event_source.ts";
import { recoveryCodesReplaced } from "#core/events/mfa_events.ts";
import { derivedIdOf } from "#core/ids.ts";
import { type NoticeCore, sendNotice } from "#core/messages/notices.ts";
import { hashRecoveryCode, newRecoveryCodes } from "#core/mfa/recovery_codes.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";
import type { NewRecoveryCodes, RecoveryCodes } from "#core/repositories/recovery_codes.ts";
import { requireFreshSecondFactor } from "#core/sessions/freshness.ts";

/** A new set of codes, which are not stored, and what is stored of them. */
function newSet(
  { _id: issuedFor, userId }: Pick<MfaFactor, "_id" | "userId">,
  createdAt: string,
): { codes: string[]; stored: NewRecoveryCodes } {
  const codes = newRecoveryCodes();
  const _id = derivedIdOf(userId, "recoveryCodes");
  return { codes, stored: { _id, userId, open: codes.map(hashRecoveryCode), createdAt, issuedFor } };
}

/**
 * Issues recovery codes when a factor has become active, if it is the user's only one. A repeated call replaces them.
 * @param others the other active factors, read after this one became active
 * @param before the user's codes, read before that
 * @returns the codes; null if the user has codes already
 */
export async function issueFirstCodes(
  { recoveryCodes }: Pick<Core, "recoveryCodes">,
  factor: MfaFactor,
  { others, before, at }: { others: readonly MfaFactor[]; before: RecoveryCodes | null; at: string },
): Promise<string[] | null> {
  const { codes, stored } = newSet(factor, at);
  // Codes of a removed factor, whose removal stopped halfway.
  const stale = others.length === 0 ? (before?.issuedFor ?? null) : null;
  return (await recoveryCodes.issue(stored, stale)) ? codes : null;
}

/**
 * Replaces the recovery codes of a user who has presented a second factor a short time ago. Of calls at the same time, one gets codes; the
 * others get `unavailable`.
 * @returns the codes, which are shown once
 * @throws NestError reauthentication_required, mfa_not_enabled, unavailable
 */
export async function regenerateRecoveryCodes(
  core: NoticeCore & Pick<Core, "mfaFactors" | "recoveryCodes">,
  caller: Caller,
  call: Call,
): Promise<string[]> {
  const now = core.clock.now();
  const at = now.toISOString();
  const { userId } = userOf(caller);
  requireFreshSecondFactor(caller, now);
  const [before, [factor]] = await Promise.all([
    core.recoveryCodes.findByUser(userId),
    core.mfaFactors.listActive(userId),
  ]);
  if (!factor) throw new NestError("mfa_not_enabled");
  const { codes, stored } = newSet(factor, at);
  const event = recoveryCodesReplaced(userId, byCaller(caller, call), at);
  if (!(await core.recoveryCodes.replace(stored, before, [event]))) throw new NestError("unavailable");
  const variables = { change: "codes" as const, at };
  await sendNotice(core, { userId, locale: null }, async () => ({ template: "mfa_changed", variables }));
  core.log.info("recovery_codes_replaced", { user_id: userId });
  return codes;
}
