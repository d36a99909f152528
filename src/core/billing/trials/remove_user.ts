import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import type { Core } from "#core/core.ts";
import { type AuditCore, auditNow } from "#core/events/audit_row.ts";
import { byJob } from "#core/events/event_source.ts";
import { userDeleted } from "#core/events/user_deleted.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { RemovedTrial } from "#core/repositories/trial_removals.ts";
import { discardUser, ensureUserWithAccount, type UserCreationCore } from "#core/users/create_user.ts";

export type UserRemovalCore = AuditCore &
  UserCreationCore &
  Pick<
    Core,
    | "clock"
    | "identifiers"
    | "marketingConsents"
    | "providerMappings"
    | "sessions"
    | "subscriptions"
    | "trials"
  >;

/**
 * Removes the user and the address of a removed trial if only the trial made them and nothing else is stored about them.
 *
 * The address is removed first: from then on no sign-in, claim or purchase finds the user. A request that found the user
 * earlier may still write. So everything is read again before and after the user is removed. If anything is stored by then,
 * the user and the address are restored. A removal that is not undone gets a row in the audit log. If this run stops first, the
 * next run adds the row.
 */
export async function removeUser(core: UserRemovalCore, trial: RemovedTrial): Promise<void> {
  const { userId } = trial.removal;
  if (await isInUse(core, trial)) return;
  const removed: Identifier[] = [];
  for (const identifier of await core.identifiers.listByUser(userId))
    if (await core.identifiers.removeUnverified(identifier._id)) removed.push(identifier);
  if (await isInUse(core, trial)) return restoreUser(core, trial, removed);
  await core.subscriptions.deleteOfTrial(userId, trial._id);
  await discardUser(core, userId, trial.stpSubscriptionId);
  if (await isInUse(core, trial)) await restoreUser(core, trial, removed);
  if (await core.users.find(userId)) return;
  const now = core.clock.now().toISOString();
  await auditNow(core, userDeleted(userId, byJob("remove_unredeemed_trials"), now));
}

/** Whether anything but the trial is stored about its user. */
async function isInUse(core: UserRemovalCore, { _id, removal }: RemovedTrial): Promise<boolean> {
  const { userId } = removal;
  const [identifiers, sessions, subscriptions, consent, mapping, isClaimedAgain] = await Promise.all([
    core.identifiers.listByUser(userId),
    core.sessions.listByUser(userId),
    core.subscriptions.listByUser(userId),
    core.marketingConsents.findByUser(userId),
    core.providerMappings.findByUser(userId),
    core.trials.isClaimedAgain(removal),
  ]);
  return (
    identifiers.some(({ verifiedAt }) => verifiedAt !== null) ||
    sessions.length > 0 ||
    subscriptions.some(({ trialId, status }) => trialId !== _id || !hasEnded(status)) ||
    consent !== null ||
    mapping !== null ||
    isClaimedAgain
  );
}

/** An erasure ends the removal before it removes addresses and users, so it also erases what is restored earlier. */
async function restoreUser(
  core: UserRemovalCore,
  { _id, removal: { userId }, createdAt }: RemovedTrial,
  identifiers: readonly Identifier[],
): Promise<void> {
  if (!(await core.trials.isRemovalPending(_id))) return;
  for (const identifier of identifiers) await core.identifiers.insert(identifier);
  await ensureUserWithAccount(core, userId, createdAt);
  if (await core.trials.isRemovalPending(_id)) return;
  for (const { _id: id } of identifiers) await core.identifiers.removeUnverified(id);
  await discardUser(core, userId);
}
