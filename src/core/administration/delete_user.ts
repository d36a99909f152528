import { type CompleteDeletionCore, completeDeletion } from "#core/administration/complete_deletion.ts";
import { requireNoCharge } from "#core/billing/subscriptions/end_of_deleted.ts";
import type { Call, Caller } from "#core/call.ts";
import { MINUTE, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { decideAgain } from "#core/decide_again.ts";
import { NestError } from "#core/errors.ts";
import { byCaller, type EventSource } from "#core/events/event_source.ts";
import { userDeleted } from "#core/events/user_deleted.ts";
import { type NoticeCore, notifyOwner } from "#core/messages/notify_owner.ts";
import { chooseLocale } from "#core/messages/wording.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { User } from "#core/repositories/users.ts";
import { ADMIN, OWNER } from "#core/roles/built_in.ts";
import { leaveAdmins } from "#core/roles/leave_admins.ts";
import { leaveOwners, type OwnerGuardCore } from "#core/roles/leave_owners.ts";
import { requireRankOf } from "#core/roles/rank.ts";

/** Longer than any call: after it, the job completes a deletion that stopped. */
const COMPLETED_AFTER_SECONDS = 10 * MINUTE;

/** The most members among whom one is looked for who lives. */
const MEMBERS_READ = 100;

export type DeleteUserCore = NoticeCore &
  CompleteDeletionCore &
  OwnerGuardCore &
  Pick<Core, "adminGuards" | "app" | "roles">;

interface Deleting {
  caller: Caller;
  call: Call;
}

/**
 * Deletes a user: from the first write on no token of theirs is accepted and nobody signs in as them. Their sessions end, and their
 * addresses and numbers are free, so that the next sign-in with one creates another user. A job erases the rest after 30 days. If a
 * call stops after the first write, a repeated call of an administrator completes it, or the job.
 * @returns when the user was deleted, ISO
 * @throws NestError user_not_found, capability_escalation for a user whose roles allow more than the caller's, active_subscription,
 *   last_owner, last_admin, stripe_error, unavailable
 */
export async function deleteUser(core: DeleteUserCore, userId: string, deleting: Deleting): Promise<string> {
  const source = byCaller(deleting.caller, deleting.call);
  const user = await readDeletable(core, userId, deleting.caller);
  if (user.status === "deleted") return completeDeletion(core, user, source);
  await requireNoCharge(core, userId);
  const identifiers = await core.identifiers.listByUser(userId);
  await markDeleted(core, userId, source);
  const deleted = await core.users.find(userId);
  // The job erased the user meanwhile, which takes 30 days.
  if (deleted === null) throw new NestError("user_not_found");
  const deletedAt = await completeDeletion(core, deleted, source);
  core.log.info("user_deleted", { security_event: true, user_id: userId });
  await notify(core, { user, identifiers, deletedAt }, deleting.caller);
  return deletedAt;
}

/** @throws NestError user_not_found, capability_escalation */
async function readDeletable(core: DeleteUserCore, userId: string, caller: Caller): Promise<User> {
  const [user, own] = await Promise.all([core.users.find(userId), core.roles.list("platform")]);
  if (user === null) throw new NestError("user_not_found");
  requireRankOf(caller, user, own);
  return user;
}

/** @throws NestError last_owner, last_admin, unavailable */
async function markDeleted(core: DeleteUserCore, userId: string, source: EventSource): Promise<void> {
  await decideAgain(async () => {
    const user = await core.users.find(userId);
    if (user === null || user.status === "deleted") return true;
    const now = core.clock.now();
    const at = now.toISOString();
    const eraseAt = plusSeconds(now, COMPLETED_AFTER_SECONDS).toISOString();
    const events = [userDeleted(userId, source, at)];
    const write = () => core.users.markDeleted(userId, user.roles ?? [], { at, eraseAt, events });
    const isAdmin = user.roles?.includes(ADMIN) === true;
    const leave = isAdmin ? () => leaveAdmins(core, userId, write) : write;
    return (await leaveAccounts(core, userId, leave)) || null;
  }, "other calls changed the user's roles");
}

/**
 * Makes a change that takes the user from every account that they own. Also from those without other members: somebody may be
 * joining. An account that an earlier release left to the next sign-in does not exist, and nobody joins it.
 * @throws NestError last_owner
 */
async function leaveAccounts(
  core: DeleteUserCore,
  userId: string,
  change: () => Promise<boolean>,
): Promise<boolean> {
  const memberships = await core.accountMembers.listByUser(userId);
  const owned = memberships.filter(({ role, removedAt }) => role === OWNER && removedAt === null);
  let leave = change;
  for (const membership of owned) {
    const inner = leave;
    if ((await core.accounts.find(membership.accountId)) !== null)
      leave = () => leaveOwners(core, membership, inner, () => hasOthers(core, membership));
  }
  return leave();
}

/** Whether an account has another member who was not deleted. The membership of a deleted user may not have ended yet. */
async function hasOthers(core: DeleteUserCore, { accountId, userId }: AccountMember): Promise<boolean> {
  const members = await core.accountMembers.listPage(accountId, { limit: MEMBERS_READ, after: null });
  const others = members.filter((one) => one.userId !== userId);
  const users = others.length === 0 ? [] : await core.users.listByIds(others.map((one) => one.userId));
  return users.some(({ status }) => status !== "deleted");
}

/** Tells every address that was verified. */
async function notify(
  core: DeleteUserCore,
  { user, identifiers, deletedAt }: { user: User; identifiers: readonly Identifier[]; deletedAt: string },
  caller: Caller,
): Promise<void> {
  const isOwn = caller.kind === "user" && caller.userId === user._id;
  const client = isOwn ? core.app.clients.find(({ id }) => id === caller.clientId) : undefined;
  const locale = chooseLocale(core.app, user.locale, client?.locale);
  await notifyOwner(core, identifiers, { template: "account_deleted", variables: { deletedAt }, locale });
}
