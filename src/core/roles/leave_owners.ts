import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import type { Leaving } from "#core/repositories/leaving.ts";
import { OWNER } from "#core/roles/built_in.ts";
import { leaveRole, leftUntil } from "#core/roles/leave_role.ts";

export type OwnerGuardCore = Pick<Core, "accountMembers" | "accounts" | "clock" | "identifiers" | "users">;

/**
 * Makes a change that takes an owner from an account, if another owner stays who can sign in and whose membership no verification
 * ends. Of owners who remove each other at once, one stays.
 * @param change makes the change, or finds that it can't be made after all
 * @param hasOthers whether the account has other members; absent: it has. An owner without other members may leave
 * @returns what `change` returned
 * @throws NestError last_owner; account_not_found if the account was erased; unavailable
 */
export function leaveOwners<Result>(
  core: OwnerGuardCore,
  { accountId, userId }: Pick<AccountMember, "accountId" | "userId">,
  change: () => Promise<Result>,
  hasOthers: () => Promise<boolean> = async () => true,
): Promise<Result> {
  const { accountMembers, accounts, clock } = core;
  const guard = {
    async read() {
      const found = await accounts.readLeaving(accountId);
      if (!found) throw new NestError("account_not_found");
      return found;
    },
    decide: (...decision: [number, Leaving]) => accounts.decideLeaving(accountId, ...decision),
    settle: (...change: [string, string]) => accounts.settleLeaving(accountId, ...change),
    async hasHolder(exceptIds: readonly string[]) {
      const owners = await accountMembers.listHolders(accountId, OWNER, exceptIds);
      return (owners.length > 0 && (await hasLasting(core, owners))) || !(await hasOthers());
    },
    refusal: "last_owner",
  } as const;
  return leaveRole(clock, guard, userId, change);
}

/**
 * Records that a user joined an account, after the membership was stored. So either the decision that the last owner may leave sees the
 * member, or this sees that the owner is leaving.
 * @returns false if no owner stays, or the account was erased: then the membership must end. An owner who left before this is not seen
 */
export async function joinOwners(
  { accountMembers, accounts, clock }: Pick<OwnerGuardCore, "accountMembers" | "accounts" | "clock">,
  accountId: string,
): Promise<boolean> {
  const leaving = await accounts.countJoin(accountId);
  const until = leftUntil(clock);
  const left = leaving?.filter(({ at }) => at > until).map(({ userId }) => userId);
  if (left?.length === 0) return true;
  return left !== undefined && (await accountMembers.listHolders(accountId, OWNER, left)).length > 0;
}

/**
 * Checks that an account has another owner who stays, without a decision between calls: `leaveOwners` makes that.
 * @throws NestError last_owner
 */
export async function requireOtherOwner(
  core: OwnerGuardCore,
  { accountId, userId }: Pick<AccountMember, "accountId" | "userId">,
): Promise<void> {
  const owners = await core.accountMembers.listHolders(accountId, OWNER, [userId]);
  if (owners.length === 0 || !(await hasLasting(core, owners))) throw new NestError("last_owner");
}

/**
 * Whether one of the owners can sign in, and stays an owner. The membership of a user whom the account added, and who has proved
 * nothing, may end with the first proof of the address.
 */
async function hasLasting(
  { identifiers, users }: OwnerGuardCore,
  owners: readonly AccountMember[],
): Promise<boolean> {
  const added = owners.flatMap(({ isProvisional, userId }) => (isProvisional ? [userId] : []));
  const [found, own] = await Promise.all([
    users.listByIds(owners.map(({ userId }) => userId)),
    added.length === 0 ? [] : identifiers.listByUsers(added),
  ]);
  const isProved = (id: string) => own.some(({ userId, verifiedAt }) => userId === id && verifiedAt !== null);
  return found.some(({ _id, status }) => status === undefined && (!added.includes(_id) || isProved(_id)));
}
