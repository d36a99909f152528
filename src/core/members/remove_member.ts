import { newOwnedAccount } from "#core/accounts/own_account.ts";
import type { DeleteUserCore } from "#core/administration/delete_user.ts";
import type { Call, MemberCaller } from "#core/call.ts";
import { decideAgain } from "#core/decide_again.ts";
import { NestError } from "#core/errors.ts";
import { memberRemoved } from "#core/events/account_events.ts";
import { byHolder, type EventSource } from "#core/events/event_source.ts";
import { revocation } from "#core/events/session_revoked.ts";
import { deleteMember } from "#core/members/delete_member.ts";
import { requireDominance } from "#core/members/granted_role.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import { activeMemberships, defaultMembership } from "#core/roles/account_role.ts";
import { OWNER } from "#core/roles/built_in.ts";
import { leaveOwners } from "#core/roles/leave_owners.ts";
import { settleAll } from "#core/settle.ts";

export type RemoveCore = DeleteUserCore;

/** Who is removed. */
export interface Removed {
  userId: string;
  /** Whether the user is deleted too. */
  deletesUser: boolean;
}

const notFound = () => new NestError("user_not_found");

/**
 * Ends a membership of an account. Members end their own; others those of members whose role allows no more than theirs. The
 * sessions in which the user acts in the account end, and so do open invitations of the account to addresses of the user. A user
 * who is left without an account gets a new one. A repeated call changes nothing, and ends what a call that stopped has left.
 * @returns when it ended, ISO
 * @throws NestError user_not_found, capability_escalation, last_owner, unavailable; with `deletesUser`, all of `deleteMember`
 */
export async function removeMember(
  core: RemoveCore,
  { userId, deletesUser }: Removed,
  caller: MemberCaller,
  call: Call,
): Promise<string> {
  const source = byHolder(caller, call);
  return decideAgain(async () => {
    const { accountId } = caller.account;
    const [user, memberships, own] = await Promise.all([
      core.users.find(userId),
      core.accountMembers.listByUser(userId),
      core.roles.list("account"),
    ]);
    const ofAccount = memberships.filter((one) => one.accountId === accountId);
    const member = ofAccount.find(({ removedAt }) => removedAt === null);
    if (!user || ofAccount.length === 0) throw notFound();
    if (!member) {
      // An account can't delete a user whom it removed before.
      if (deletesUser && user.status !== "deleted") throw new NestError("delete_not_allowed");
      return finish(core, newestOf(ofAccount), { source });
    }
    if (userId !== caller.userId) requireDominance(caller.account, member.role, own);
    if (deletesUser) {
      await deleteMember(core, { member, memberships }, caller, call);
      return null;
    }
    const isDefault = defaultMembership(user, memberships)?._id === member._id;
    const removed = await remove(core, member, { source, isDefault });
    return removed && finish(core, removed, { source });
  }, "other calls changed the member");
}

/** @returns the ended membership; null if another call changed it meanwhile */
async function remove(
  core: RemoveCore,
  member: AccountMember,
  { source, isDefault }: { source: EventSource; isDefault: boolean },
): Promise<AccountMember | null> {
  const at = core.clock.now().toISOString();
  const removal = { at, events: [memberRemoved(member, source, at)], wasDefault: isDefault };
  const write = () => core.accountMembers.remove(member, removal);
  const isRemoved = await (member.role === OWNER ? leaveOwners(core, member, write) : write());
  return isRemoved ? { ...member, removedAt: at, ...(isDefault && { wasDefault: true }) } : null;
}

const newestOf = (memberships: readonly AccountMember[]): AccountMember =>
  memberships.reduce((one, other) => ((other.removedAt ?? "") > (one.removedAt ?? "") ? other : one));

/**
 * Ends the sessions in the account and invitations to it, and lets the user act in another one. Safe to repeat.
 * @returns when the membership ended, ISO
 */
async function finish(
  core: RemoveCore,
  { userId, accountId, removedAt, wasDefault }: AccountMember,
  { source }: { source: EventSource },
): Promise<string> {
  const at = removedAt ?? "";
  const [sessions, identifiers] = await Promise.all([
    core.sessions.listUnrevoked(userId),
    core.identifiers.listByUser(userId),
  ]);
  // A session without an account acts in the default one, which was this account until then.
  const isInIt = (session: { accountId?: string; createdAt: string }) =>
    session.accountId === accountId ||
    (session.accountId === undefined && wasDefault === true && session.createdAt <= at);
  const now = core.clock.now().toISOString();
  const ended = sessions.filter(isInIt).map((session) => ({
    sessionId: session._id,
    ...revocation(session, "removed_from_account", source, now),
  }));
  const addresses = identifiers.map(({ identifierValue }) => identifierValue);
  await settleAll([
    core.sessions.revokeAll(ended),
    core.verifications.revokeInvites(accountId, addresses, now),
    moveTo(core, { userId, accountId }, source),
  ]);
  core.log.info("account_user_removed", { account_id: accountId, user_id: userId, sessions: ended.length });
  return at;
}

/** Makes another account of the user the default, if it was this one. A user without any gets a new one, unless the user was deleted. */
async function moveTo(
  core: RemoveCore,
  { userId, accountId }: Pick<AccountMember, "userId" | "accountId">,
  source: EventSource,
): Promise<void> {
  const [user, memberships] = await Promise.all([
    core.users.find(userId),
    core.accountMembers.listByUser(userId),
  ]);
  if (!user || user.status === "deleted") return;
  const [oldest] = activeMemberships(user, memberships);
  const next = oldest?.accountId ?? (await createOwn(core, userId, source));
  await core.users.changeDefaultAccount(userId, accountId, next);
}

/** Creates an account that a user owns. @returns its id */
async function createOwn(core: RemoveCore, userId: string, source: EventSource): Promise<string> {
  const at = core.clock.now().toISOString();
  const { account, membership } = newOwnedAccount({ userId, name: null }, source, at);
  await core.accounts.insertAbsent([account]);
  await core.accountMembers.insert(membership);
  return account._id;
}
