import type { Call, Caller } from "#core/call.ts";
import type { OAuthClients } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { byCaller } from "#core/events/event_source.ts";
import { factorChanged } from "#core/events/mfa_events.ts";
import { type NoticeCore, sendNotice } from "#core/messages/notices.ts";
import { requiresEnrolment } from "#core/mfa/policy.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";
import type { RecoveryCodes } from "#core/repositories/recovery_codes.ts";
import { purgeAfter } from "#core/retention.ts";
import { requireRank } from "#core/roles/rank.ts";
import { endAllSessions } from "#core/sessions/end_sessions.ts";
import { requireFreshSecondFactor } from "#core/sessions/freshness.ts";

type RemoveCore = NoticeCore &
  Pick<Core, "mfaFactors" | "recoveryCodes" | "roles" | "sessions"> & { oauthClients: OAuthClients };

/** A factor that is removed, and who removes it. */
export interface FactorRemoval {
  userId: string;
  factorId: string;
  caller: Caller;
  call: Call;
}

/**
 * Removes a second factor. Users need one that they have presented a short time ago; an administrator, who helps a user with a lost
 * device, ends all sessions of the user. With the last factor, the recovery codes end. Removing it again changes nothing.
 * @returns when it was removed, ISO
 * @throws NestError factor_not_found, reauthentication_required, mfa_required_by_policy, capability_escalation, unavailable
 */
export async function removeFactor(core: RemoveCore, removal: FactorRemoval): Promise<string> {
  const { userId, factorId, caller, call } = removal;
  const isOwn = caller.kind === "user" && caller.userId === userId;
  const now = core.clock.now();
  if (isOwn) requireFreshSecondFactor(caller, now);
  else await requireRank(core, caller, userId);
  const [found, active, codes] = await Promise.all([
    core.mfaFactors.findOfUser(factorId, userId),
    core.mfaFactors.listActive(userId),
    core.recoveryCodes.findByUser(userId),
  ]);
  if (!found) throw new NestError("factor_not_found");
  if (isOwn && isLast(found, active)) await requireNoPolicy(core, caller);
  const at = found.removedAt ?? now.toISOString();
  const event = factorChanged("mfa.factor_removed", found, byCaller(caller, call), at);
  const events = found.status === "active" ? [event] : [];
  const isFirst = await core.mfaFactors.remove(found, { now: at, purgeAt: purgeAfter(now) }, events);
  // It was activated or removed meanwhile. Its status only moves on, so this repeats twice at most.
  if (isFirst === null && found.status !== "removed") return removeFactor(core, removal);
  // It never counted, so it protected nothing.
  if (found.activatedAt === null) return at;
  await endWithFactor(core, removal, codes);
  if (isFirst !== null) await notify(core, removal, at);
  return at;
}

const isLast = ({ _id, status }: MfaFactor, active: readonly MfaFactor[]) =>
  status === "active" && active.every((other) => other._id === _id);

/** @throws NestError mfa_required_by_policy */
async function requireNoPolicy(core: RemoveCore, caller: Extract<Caller, { kind: "user" }>): Promise<void> {
  const user = await core.users.find(caller.userId);
  if (requiresEnrolment(core.oauthClients.require(caller.clientId), user))
    throw new NestError("mfa_required_by_policy");
}

/** Ends what the factor protected, also if an earlier attempt stopped halfway. */
async function endWithFactor(
  core: RemoveCore,
  { userId, caller, call }: FactorRemoval,
  codes: RecoveryCodes | null,
): Promise<void> {
  const left = await core.mfaFactors.listActive(userId);
  // Another factor may be added at this moment, with its own codes.
  if (left.length === 0 && codes !== null) await core.recoveryCodes.clear(userId, codes);
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
