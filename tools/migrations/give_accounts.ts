import type { Db, Filter } from "mongodb";
import { openRepositories } from "#core/repositories/all.ts";
import { type User, UserRepository } from "#core/repositories/users.ts";
import { giveAccounts } from "#core/users/create_user.ts";
import type { Migration } from "#tools/migrations/migration.ts";

const WITHOUT_ACCOUNT: Filter<User> = { defaultAccountId: { $exists: false } };
const BATCH = 500;

/**
 * Not required: the previous release creates users without an account until its last function is replaced. This release reads
 * such a user as the owner of their account, and writes the account at the next sign-in.
 */
export const giveUsersAccounts: Migration = {
  name: "give_users_accounts",
  what: "gives each user the account that they own",
  isRequired: false,
  pending: (database) => usersOf(database).countDocuments(WITHOUT_ACCOUNT),
  apply: (database) => giveAccountsTo(database, {}),
};

/**
 * Gives an account to each user who matches the filter and has none.
 * @returns how many users have one now
 */
export async function giveAccountsTo(database: Db, filter: Filter<User>): Promise<number> {
  const core = openRepositories(database);
  const wanted = { ...filter, ...WITHOUT_ACCOUNT };
  let given = 0;
  let batch: Pick<User, "_id" | "createdAt">[] = [];
  const write = async () => {
    if (batch.length > 0) given += await giveAccounts(core, batch);
    batch = [];
  };
  for await (const user of usersOf(database).find(wanted, { projection: { createdAt: 1 } })) {
    batch.push(user);
    if (batch.length === BATCH) await write();
  }
  await write();
  return given;
}

const usersOf = (database: Db) => database.collection<User>(UserRepository.collectionName);
