import { type OwnerRecords, requireAccess } from "#core/billing/subscriptions/owner.ts";
import type { Access } from "#core/billing/subscriptions/subscription.ts";
import { isUsed } from "#core/billing/trials/used.ts";
import type { Caller } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { Trial } from "#core/repositories/trials.ts";

/** A user's access, and the trial that grants it, if a trial does. */
export interface TrialAccess {
  access: Access;
  trial: Trial | null;
}

/** Who asks for access. */
interface Asking {
  caller: Caller;
  now: Date;
  /** Whether the trial counts as used afterwards. A heartbeat and an internal caller do not use it. */
  isUse: boolean;
}

/** The facts that decide whether a trial grants access. */
interface TrialFacts {
  trial: Trial;
  /** The subscription of the trial, which is usable. */
  subscription: Subscription;
  /** When the caller's session was created; null for an internal caller. */
  sessionSince: string | null;
}

/**
 * Finds the access of a user. A trial that does not grant access to this caller is left out.
 * @throws NestError `no_active_subscription`
 */
export async function requireTrialAccess(
  core: Pick<Core, "sessions" | "trials">,
  owner: OwnerRecords,
  asking: Asking,
): Promise<TrialAccess> {
  const access = requireAccess(owner, asking.now);
  const { subscription } = access;
  const trial = subscription.status === "trialing" ? await core.trials.findOf(subscription) : null;
  if (!trial) return { access, trial };
  const sessionSince = isOpenToOlderSessions(trial) ? null : await readSessionStart(core, asking.caller);
  if (grantsAccess({ trial, subscription, sessionSince }, asking)) return { access, trial };
  const subscriptions = owner.subscriptions.filter((other) => other !== subscription);
  return requireTrialAccess(core, { ...owner, subscriptions }, asking);
}

/**
 * Whether a trial grants access. A stranger can start a trial for an address. The sessions that the owner of the
 * address already has must not use it up. A call within the grace period of an unused trial must not use it up either,
 * because the owner could not renew it after that (contract 1.7).
 */
export function grantsAccess(
  { trial, subscription, sessionSince }: TrialFacts,
  { now, isUse }: Pick<Asking, "now" | "isUse">,
): boolean {
  if (isUsed(trial)) return true;
  if (!isOpenToOlderSessions(trial) && sessionSince !== null && sessionSince < claimedAt(trial)) return false;
  if (!isUse) return true;
  const { stpSubscriptionId: own } = trial;
  return subscription.endsAt > now.toISOString() && (own === null || own === subscription.stpSubscriptionId);
}

/** Whether sessions that are older than the claim of a trial have its access too. */
function isOpenToOlderSessions(trial: Trial): boolean {
  return trial.redeemedAt !== null || trial.isFromKnownDevice !== false || isUsed(trial);
}

/**
 * Records that a heartbeat reports a trial as usable, unless the trial was used or reported before. In its grace period
 * its owner can still renew it.
 */
export async function recordHeartbeat(
  core: Pick<Core, "trials">,
  { access, trial }: TrialAccess,
  now: Date,
): Promise<void> {
  if (!trial || isUsed(trial) || trial.grantedAt != null || access.endsAt <= now.toISOString()) return;
  await core.trials.recordGrant(trial._id, now.toISOString());
}

const claimedAt = (trial: Trial) => trial.claimedAt ?? trial.createdAt;

async function readSessionStart(core: Pick<Core, "sessions">, caller: Caller): Promise<string | null> {
  if (caller.kind !== "user") return null;
  return (await core.sessions.find(caller.sessionId))?.createdAt ?? null;
}
