import { newOwnedAccount, ownAccount } from "#core/accounts/own_account.ts";
import type { Call, Caller, MemberCaller } from "#core/call.ts";
import type { AccountRights } from "#core/capabilities.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { accountUpdated } from "#core/events/account_events.ts";
import { byHolder } from "#core/events/event_source.ts";
import { requireProvedCaller } from "#core/members/granted_role.ts";
import type { Account } from "#core/repositories/accounts.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { activeMemberships, standingIn } from "#core/roles/account_role.ts";

/** The most accounts of a user. */
export const ACCOUNTS_LIMIT = 100;

/** An account, with what the caller may do in it. */
export interface AccountOfUser {
  account: Account;
  rights: AccountRights;
}

/** Lists the accounts of which a user is a member, the oldest membership first. */
export async function listAccounts(
  core: Pick<Core, "accountMembers" | "accounts" | "roles" | "users">,
  userId: string,
): Promise<AccountOfUser[]> {
  const [user, memberships, own] = await Promise.all([
    core.users.find(userId),
    core.accountMembers.listByUser(userId),
    core.roles.list("account"),
  ]);
  if (!user) return [];
  const ids = activeMemberships(user, memberships).map(({ accountId }) => accountId);
  const found = await core.accounts.listByIds(ids);
  return ids.flatMap((id) => {
    const account = found.find(({ _id }) => _id === id) ?? ownAccount(user);
    const rights = standingIn({ user, memberships, own }, id);
    return rights && account._id === id ? [{ account, rights }] : [];
  });
}

/** Reads the account of a call. @throws NestError account_not_found */
export async function getAccount(
  core: Pick<Core, "accounts">,
  { account: rights }: MemberCaller,
): Promise<AccountOfUser> {
  const account = await core.accounts.find(rights.accountId);
  if (!account) throw new NestError("account_not_found");
  return { account, rights };
}

/**
 * Creates an account that the user owns. A repeated call creates another one. The user must have proved an address or number: an
 * account of a person who only claimed the address would stay after its owner proves it.
 * @param content the name, and the user's identifiers
 * @throws NestError own_address_not_verified, too_many_accounts
 */
export async function createAccount(
  core: Pick<Core, "accountMembers" | "accounts" | "clock">,
  { name, identifiers }: { name: string | null; identifiers: readonly Identifier[] },
  caller: Extract<Caller, { kind: "user" }>,
  call: Call,
): Promise<Account> {
  requireProvedCaller(identifiers);
  const memberships = await core.accountMembers.listByUser(caller.userId);
  const active = memberships.filter(({ removedAt }) => removedAt === null);
  if (active.length >= ACCOUNTS_LIMIT) throw new NestError("too_many_accounts");
  const at = core.clock.now().toISOString();
  const created = newOwnedAccount({ userId: caller.userId, name }, byHolder(caller, call), at);
  await core.accounts.insertAbsent([created.account]);
  await core.accountMembers.insert(created.membership);
  return created.account;
}

/**
 * Changes the name of an account. The name that it has already changes nothing.
 * @throws NestError account_not_found
 */
export async function updateAccount(
  core: Pick<Core, "accounts" | "clock">,
  name: string | null,
  caller: MemberCaller,
  call: Call,
): Promise<AccountOfUser> {
  const found = await getAccount(core, caller);
  if (found.account.name === name) return found;
  const at = core.clock.now().toISOString();
  const events = [accountUpdated(found.account._id, ["name"], byHolder(caller, call), at)];
  const account = await core.accounts.rename(found.account._id, name, { at, events });
  if (!account) throw new NestError("account_not_found");
  return { account, rights: found.rights };
}
