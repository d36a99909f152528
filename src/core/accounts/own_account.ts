import type { Core } from "#core/core.ts";
import { accountCreated } from "#core/events/account_events.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { derivedIdOf, newId } from "#core/ids.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import type { Account } from "#core/repositories/accounts.ts";
import { carrying } from "#core/repositories/outbox.ts";
import type { User } from "#core/repositories/users.ts";
import { settleAll } from "#core/settle.ts";

type OwnedUser = Pick<User, "_id" | "createdAt"> & {
  /** The name of the account. Absent: none. */
  accountName?: string | null;
};
export type OwnAccountCore = Pick<Core, "accounts" | "accountMembers">;

/** The id of the account that a user owns from the start. */
export const ownAccountId = (userId: string) => derivedIdOf(userId, "account");

/** The account that a user owns from the start. */
export function ownAccount({ _id, createdAt, accountName = null }: OwnedUser): Account {
  return { _id: ownAccountId(_id), name: accountName, createdAt, updatedAt: null, deletedAt: null };
}

/** The user's membership of the account that they own from the start. */
export function ownMembership({ _id: userId, createdAt }: OwnedUser): AccountMember {
  return {
    _id: derivedIdOf(userId, "accountMember"),
    accountId: ownAccountId(userId),
    userId,
    role: "owner",
    status: "active",
    createdAt,
    removedAt: null,
  };
}

/**
 * Writes the account that each user owns from the start, unless it exists. The ids derive from the user's id, so any number
 * of calls creates one account. All writes take one round trip.
 */
export async function ensureOwnAccounts(core: OwnAccountCore, users: readonly OwnedUser[]): Promise<void> {
  await settleAll([
    core.accounts.insertAbsent(users.map(ownAccount)),
    core.accountMembers.insertAbsent(users.map(ownMembership)),
  ]);
}

/** Removes the accounts that users own from the start. Only for users who do not exist. */
export async function deleteOwnAccounts(core: OwnAccountCore, userIds: readonly string[]): Promise<void> {
  await settleAll([
    core.accountMembers.delete(userIds.map((id) => derivedIdOf(id, "accountMember"))),
    core.accounts.delete(userIds.map(ownAccountId)),
  ]);
}

/** A new account, with the membership of the user who owns it. The caller stores both, the account first. */
export function newOwnedAccount(
  { userId, name }: { userId: string; name: string | null },
  source: EventSource,
  at: string,
): { account: Account; membership: AccountMember } {
  const accountId = newId("account");
  const owner = { accountId, userId };
  const account = { _id: accountId, name, createdAt: at, updatedAt: null, deletedAt: null };
  return {
    account: { ...account, ...carrying([accountCreated(owner, source, at)]) },
    membership: {
      ...{ _id: derivedIdOf(accountId, "accountMember"), ...owner, role: "owner", status: "active" },
      ...{ createdAt: at, removedAt: null },
    },
  };
}
