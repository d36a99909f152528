import { deleteOwnAccounts, ensureOwnAccounts, type OwnAccountCore } from "#core/accounts/own_account.ts";
import type { Core } from "#core/core.ts";
import { settleAll } from "#core/settle.ts";

/** The names that a person gives at the registration; null: none. */
export interface GivenNames {
  name: string | null;
  accountName: string | null;
  /** What an administrator stores with the user. Absent: nothing. */
  metadata?: Record<string, string> | undefined;
  /** The account of others in which the user acts by default. Absent: the one that they own. */
  accountId?: string | undefined;
}
const NO_NAMES: GivenNames = { name: null, accountName: null };

export type UserCreationCore = Pick<Core, "users"> & OwnAccountCore;

/**
 * Creates a user with the account that the user owns, unless they exist. One round trip. Safe to repeat and to race: after a
 * crash between the writes, the next call completes them.
 */
export async function ensureUserWithAccount(
  core: UserCreationCore,
  id: string,
  createdAt: string,
  { name, accountName, metadata, accountId }: GivenNames = NO_NAMES,
): Promise<void> {
  const [found] = await settleAll([
    core.users.ensure(id, createdAt, {
      ...(name !== null && { name }),
      ...(metadata && { metadata }),
      ...(accountId !== undefined && { defaultAccountId: accountId }),
    }),
    ensureOwnAccounts(core, [{ _id: id, createdAt, accountName }]),
  ]);
  // An earlier release created the user.
  if (found && found.defaultAccountId === undefined) await core.users.setOwnAccount([id]);
}

/**
 * Creates the user of a verified address if the user's document is missing. This takes one command if the user has an
 * account, as every user that this release created has.
 * @param name stored with a new user; null: none
 */
export async function completeUser(
  core: UserCreationCore,
  id: string,
  createdAt: string,
  name: string | null = null,
): Promise<void> {
  const found = await core.users.ensure(id, createdAt, name === null ? {} : { name });
  if (found?.defaultAccountId === undefined) await giveAccounts(core, [{ _id: id, createdAt }]);
}

/**
 * Gives users who exist the account that they own. If a user is erased meanwhile, nothing of the user is left.
 * @returns how many users have it now
 */
export async function giveAccounts(
  core: UserCreationCore,
  users: readonly { _id: string; createdAt: string }[],
): Promise<number> {
  const ids = users.map(({ _id }) => _id);
  await ensureOwnAccounts(core, users);
  await core.users.setOwnAccount(ids);
  const existing = await core.users.listExisting(ids);
  const erased = ids.filter((id) => !existing.includes(id));
  if (erased.length > 0) await deleteOwnAccounts(core, erased);
  return existing.length;
}

/**
 * Removes a user whose id was not returned to anyone, with their account: another user claimed the address first, or the
 * user was created only by a trial that nobody redeemed. A user who keeps a subscription stays.
 * @param ended the user's subscription that ended, or null
 */
export async function discardUser(
  core: UserCreationCore,
  id: string,
  ended: string | null = null,
): Promise<void> {
  await core.users.discard(id, ended);
  if ((await core.users.find(id)) === null) await deleteOwnAccounts(core, [id]);
}
