import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { byCaller } from "#core/events/event_source.ts";
import { factorChanged } from "#core/events/mfa_events.ts";
import { type AskedRemoval, allowRemoval } from "#core/factors/judge_removal.ts";
import type { ReachCore } from "#core/factors/ways_in.ts";
import { type NoticeCore, sendNotice } from "#core/messages/notices.ts";
import type { RecoveryCodes } from "#core/repositories/recovery_codes.ts";
import { purgeAfter } from "#core/retention.ts";
import { requireRank } from "#core/roles/rank.ts";
import { endAllSessions } from "#core/sessions/end_sessions.ts";
import { requireFreshSecondFactor } from "#core/sessions/freshness.ts";

type RemoveCore = NoticeCore & ReachCore & Pick<Core, "mfaFactors" | "recoveryCodes" | "roles" | "sessions">;

/** A factor that is removed, and who removes it. */
interface FactorRemoval extends AskedRemoval {
  call: Call;
}

/**
 * Removes a second factor. Users need one that they have presented a short time ago; an administrator, who helps a user with a lost
 * device, ends all sessions of the user. With the last factor, the recovery codes end. Removing it again changes nothing.
 * @returns when it was removed, ISO
 * @throws NestError factor_not_found, reauthentication_required, mfa_required_by_policy, capability_escalation, unavailable; if users
 *   remove their own: mfa_confirmation_required, and factor_repeats_sign_in if the factors that stay could follow no sign-in
 */
export async function removeFactor(core: RemoveCore, removal: FactorRemoval): Promise<string> {
  const { userId, caller, call } = removal;
  const isOwn = caller.kind === "user" && caller.userId === userId;
  const now = core.clock.now();
  if (isOwn) requireFreshSecondFactor(caller, now);
  else await requireRank(core, caller, userId);
  const { found, codes } = await allowRemoval(core, removal, isOwn);
  const at = found.removedAt ?? now.toISOString();
  const event = factorChanged("mfa.factor_removed", found, byCaller(caller, call), at);
  const events = found.status === "active" ? [event] : [];
  const isFirst = await core.mfaFactors.remove(found, { now: at, purgeAt: purgeAfter(now) }, events);
  // It was activated or removed meanwhile. Its status only moves on, so this repeats twice at most.
  if (isFirst === null && found.status !== "removed") return removeFactor(core, removal);
  // It never counted, so it protected nothing.
  if (found.activatedAt === null) return at;
  await endWithFactor(core, removal, { codes, at });
  if (isFirst !== null) await notify(core, removal, at);
  return at;
}

/** Ends what the factor protected, also if an earlier attempt stopped halfway. */
async function endWithFactor(
  core: RemoveCore,
  { userId, caller, call }: FactorRemoval,
  { codes, at }: { codes: RecoveryCodes | null; at: string },
): Promise<void> {
  const left = await core.mfaFactors.listActive(userId);
  // Another factor may be added at this moment, with its own codes.
  if (left.length === 0 && codes !== null) await core.recoveryCodes.clear(userId, codes);
  // A pending factor was judged beside the removed one. Activated now, it could shut clients out that the user did not confirm.
  if (left.every(({ factorType }) => factorType === "webauthn"))
    await core.mfaFactors.dropPending(userId, { until: at });
  const sessions = await core.sessions.listUnrevoked(userId);
  const keepsCurrent = caller.kind === "user" && caller.userId === userId;
  const ending = { userId, sessions, keepsCurrent, reason: "mfa_changed" } as const;
  await endAllSessions(core, ending, { caller, call });
}

async function notify(core: RemoveCore, { userId }: FactorRemoval, at: string): Promise<void> {
  const variables = { change: "removed" as const, at };
  await sendNotice(core, { userId, locale: null }, async () => ({ template: "mfa_changed", variables }));
  core.log.info("factor_removed", { user_id: userId });
}
