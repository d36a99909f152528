import { ownAccountId } from "#core/accounts/own_account.ts";
import { type DeleteUserCore, deleteUser } from "#core/administration/delete_user.ts";
import type { Call, MemberCaller } from "#core/call.ts";
import { NestError } from "#core/errors.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import { OWNER } from "#core/roles/built_in.ts";
import { requireOtherOwner } from "#core/roles/leave_owners.ts";
import { requireFresh } from "#core/sessions/freshness.ts";

/**
 * Decides whether the removal of a member may delete the user too, without I/O. A user who is in other accounts stays for them. Members
 * don't delete the user who had the account from the start: the account of that person is more than what the members were given.
 * @param memberships all of the user's, removed memberships included
 * @throws NestError delete_not_allowed
 */
export function judgeDeletion(
  { userId, accountId }: Pick<AccountMember, "userId" | "accountId">,
  memberships: readonly Pick<AccountMember, "accountId" | "removedAt">[],
  callerId: string,
): void {
  const isElsewhere = memberships.some((one) => one.removedAt === null && one.accountId !== accountId);
  const isFounder = userId !== callerId && accountId === ownAccountId(userId);
  if (isElsewhere || isFounder) throw new NestError("delete_not_allowed");
}

/**
 * Deletes the user of a membership, which ends with the user. The rules of a removal hold, and those of `deleteUser`. Everything is
 * decided before the first write. Safe to repeat.
 * @param memberships all of the user's
 * @throws NestError delete_not_allowed, reauthentication_required for members who delete themselves, last_owner, and all of `deleteUser`
 */
export async function deleteMember(
  core: DeleteUserCore,
  { member, memberships }: { member: AccountMember; memberships: readonly AccountMember[] },
  caller: MemberCaller,
  call: Call,
): Promise<void> {
  judgeDeletion(member, memberships, caller.userId);
  if (member.userId === caller.userId) requireFresh(caller, core.clock.now());
  if (member.role === OWNER) await requireOtherOwner(core, member);
  await deleteUser(core, member.userId, { caller, call });
}
