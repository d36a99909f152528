import type { Collection, Db, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { insertAbsent } from "#core/repositories/insert_absent.ts";
import { type Leaving, settledBy } from "#core/repositories/leaving.ts";
import { OUTBOX_INDEX, type Outbox, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type { PersonalData } from "#core/repositories/repository.ts";

/** A group of users who share something. Each user owns one account from the start. */
export interface Account extends Outbox {
  /** account_<ksuid>. The account that a user owns from the start has the ksuid of the user. */
  _id: string;
  /** Null until a member chooses one. */
  name: string | null;
  createdAt: string;
  updatedAt: string | null;
  deletedAt: string | null;
  /** Owners who do not count as staying, because a change takes the role from them. Absent: none. Not in the published documents. */
  leavingOwners?: Leaving[];
  /** Raised by each decision that an owner may leave, and by each user who joins. Absent: 0. Not in the published documents. */
  leavingVersion?: number;
}

const accountIndexes: IndexDescription[] = [OUTBOX_INDEX];

export class AccountRepository {
  static readonly collectionName = "accounts";
  static readonly indexes = accountIndexes;
  static readonly personalData: PersonalData<Account> = {
    field: "_id",
    refersTo: "accountIds",
    withheld: ["leavingOwners", "leavingVersion"],
  };
  readonly #collection: Collection<Account>;
  readonly #reads: CombinedReads<Account>;
  constructor(database: Db) {
    this.#collection = database.collection(AccountRepository.collectionName);
    this.#reads = new CombinedReads(database, AccountRepository.collectionName);
  }

  find(id: string): Promise<Account | null> {
    return this.#reads.findOne({ _id: id });
  }

  /** Reads accounts by id. They have no order. */
  listByIds(ids: readonly string[]): Promise<Account[]> {
    return this.#collection.find({ _id: { $in: [...ids] } }).toArray();
  }

  /** Inserts the accounts that do not exist. Safe to repeat and to race. */
  insertAbsent(accounts: readonly Account[]): Promise<void> {
    return insertAbsent(this.#collection, accounts);
  }

  /** Changes the name of an account and records it. @returns null if the account does not exist */
  rename(
    id: string,
    name: string | null,
    { at, events }: { at: string; events: readonly StoredEvent[] },
  ): Promise<Account | null> {
    const { push, set } = pushed(events);
    return this.#collection.findOneAndUpdate(
      { _id: id },
      { $set: { name, updatedAt: at, ...set }, $push: push },
      { returnDocument: "after" },
    );
  }

  /** Removes the name of an account, because somebody chose it who had not proved the owner's address. */
  async removeName(id: string, now: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, name: { $ne: null } },
      { $set: { name: null, updatedAt: now } },
    );
  }

  /** Reads which owners of an account are leaving. @returns null if the account does not exist */
  async readLeaving(id: string): Promise<{ version: number; leaving: Leaving[] } | null> {
    const found = await this.#collection.findOne({ _id: id });
    return found && { version: found.leavingVersion ?? 0, leaving: found.leavingOwners ?? [] };
  }

  /** Stores which owners are leaving, if nobody stored a decision since `version` was read. One of simultaneous calls gets true. */
  async decideLeaving(id: string, version: number, leaving: Leaving): Promise<boolean> {
    const unchanged = version === 0 ? { $exists: false } : { $eq: version };
    const { matchedCount } = await this.#collection.updateOne(
      { _id: id, leavingVersion: unchanged },
      { $set: { leavingVersion: version + 1 }, $push: { leavingOwners: leaving } },
    );
    return matchedCount === 1;
  }

  /**
   * Records that the account has another member: a decision that an owner may leave, which did not see the member, is not stored.
   * @returns which owners are leaving; null if the account does not exist
   */
  async countJoin(id: string): Promise<readonly Leaving[] | null> {
    const found = await this.#collection.findOneAndUpdate({ _id: id }, { $inc: { leavingVersion: 1 } });
    return found && (found.leavingOwners ?? []);
  }

  /**
   * Forgets a change that was made, or was not made after all.
   * @param until ISO. Changes that began until then are forgotten too: their calls have ended
   */
  async settleLeaving(id: string, changeId: string, until: string): Promise<void> {
    await this.#collection.updateOne({ _id: id }, { $pull: { leavingOwners: settledBy(changeId, until) } });
  }

  async delete(ids: readonly string[]): Promise<void> {
    await this.#collection.deleteMany({ _id: { $in: [...ids] } });
  }
}
