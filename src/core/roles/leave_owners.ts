import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import type { Leaving } from "#core/repositories/leaving.ts";
import { OWNER } from "#core/roles/built_in.ts";
import { leaveRole } from "#core/roles/leave_role.ts";

export type OwnerGuardCore = Pick<Core, "accountMembers" | "accounts" | "clock" | "users">;

/**
 * Makes a change that takes an owner from an account, if another owner stays who can sign in. Of owners who remove each other at once,
 * one stays.
 * @param change makes the change; false if it was not made after all
 * @returns what `change` returned
 * @throws NestError last_owner; account_not_found if the account was erased; unavailable
 */
export function leaveOwners(
  { accountMembers, accounts, clock, users }: OwnerGuardCore,
  { accountId, userId }: Pick<AccountMember, "accountId" | "userId">,
  change: () => Promise<boolean>,
): Promise<boolean> {
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
      const found = owners.length === 0 ? [] : await users.listByIds(owners);
      return found.some(({ status }) => status === undefined);
    },
    refusal: "last_owner",
  } as const;
  return leaveRole(clock, guard, userId, change);
}
