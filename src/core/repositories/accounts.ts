import type { Collection, Db, IndexDescription } from "mongodb";
import { insertAbsent } from "#core/repositories/insert_absent.ts";
import type { PersonalData } from "#core/repositories/repository.ts";

/** A group of users who share something. Each user owns one account from the start. */
export interface Account {
  /** account_<ksuid>. The account that a user owns from the start has the ksuid of the user. */
  _id: string;
  /** Null until a member chooses one. */
  name: string | null;
  createdAt: string;
  updatedAt: string | null;
  deletedAt: string | null;
}

const accountIndexes: IndexDescription[] = [];

export class AccountRepository {
  static readonly collectionName = "accounts";
  static readonly indexes = accountIndexes;
  static readonly personalData: PersonalData<Account> = {
    field: "_id",
    refersTo: "accountIds",
    withheld: [],
  };
  readonly #collection: Collection<Account>;
  constructor(database: Db) {
    this.#collection = database.collection(AccountRepository.collectionName);
  }

  /** Inserts the accounts that do not exist. Safe to repeat and to race. */
  insertAbsent(accounts: readonly Account[]): Promise<void> {
    return insertAbsent(this.#collection, accounts);
  }

  /** Removes the name of an account, because somebody chose it who had not proved the owner's address. */
  async removeName(id: string, now: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, name: { $ne: null } },
      { $set: { name: null, updatedAt: now } },
    );
  }

  async delete(ids: readonly string[]): Promise<void> {
    await this.#collection.deleteMany({ _id: { $in: [...ids] } });
  }
}
