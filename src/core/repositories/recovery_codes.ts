import type { Collection, Db, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { OUTBOX_INDEX, type Outbox, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** The recovery codes of one user. They are one document, so that a new set replaces all codes at once. */
export interface RecoveryCodes extends Outbox {
  /** reccodes_<ksuid>, derived from the user's id. */
  _id: string;
  userId: string;
  /** SHA-256 of the codes that were not used. */
  open: string[];
  /** The last code that was used, and the challenge that used it, which may present it again. Absent: none was used. */
  lastUsed?: { hash: string; by: string };
  createdAt: string;
  /** The user's first factor, with which the codes were issued. Absent: the user's last factor was removed since. */
  issuedFor?: string;
}

/** A set of recovery codes that takes the place of an earlier one. */
export type NewRecoveryCodes = Required<
  Pick<RecoveryCodes, "_id" | "userId" | "open" | "createdAt" | "issuedFor">
>;

/** A recovery code that is presented. */
export interface PresentedRecovery {
  hash: string;
  /** The challenge that presents it. */
  by: string;
}

const NOT_ISSUED = { issuedFor: { $exists: false } };

const recoveryIndexes: IndexDescription[] = [{ key: { userId: 1 }, unique: true }, OUTBOX_INDEX];

export class RecoveryCodesRepository {
  static readonly collectionName = "recovery_codes";
  static readonly indexes = recoveryIndexes;
  static readonly personalData: PersonalData<RecoveryCodes> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["open", "lastUsed", "issuedFor"],
  };
  readonly #collection: Collection<RecoveryCodes>;
  readonly #reads: CombinedReads<RecoveryCodes>;
  constructor(database: Db) {
    this.#collection = database.collection(RecoveryCodesRepository.collectionName);
    this.#reads = new CombinedReads(database, RecoveryCodesRepository.collectionName);
  }

  findByUser(userId: string): Promise<RecoveryCodes | null> {
    return this.#reads.findOne({ userId });
  }

  /**
   * Replaces the codes of a user, and records it. One of any simultaneous calls gets true: the codes of the others would not work.
   * @param before the user's codes as they were read; null: there were none
   */
  async replace(
    { _id, userId, open, createdAt, issuedFor }: NewRecoveryCodes,
    before: Pick<RecoveryCodes, "open"> | null,
    events: readonly StoredEvent[],
  ): Promise<boolean> {
    const { push, set } = pushed(events);
    const change = {
      $set: { open, createdAt, issuedFor, ...set },
      $unset: { lastUsed: "" as const },
      $setOnInsert: { userId },
      $push: push,
    };
    // No two sets have a code in common, so the codes that are left tell them apart.
    const asRead = before === null ? { $exists: false } : before.open;
    try {
      const result = await this.#collection.updateOne({ _id, open: asRead }, change, {
        upsert: before === null,
      });
      return result.matchedCount + result.upsertedCount === 1;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /**
   * Stores the codes of a first factor. Of factors that become active at the same time, one gets them; the same factor may replace
   * them.
   * @param stale the factor of codes that are there although no other factor is active; null: none
   * @returns false if the codes of another factor are there
   */
  async issue(
    { _id, userId, open, createdAt, issuedFor }: NewRecoveryCodes,
    stale: string | null,
  ): Promise<boolean> {
    const taken = stale === null ? [issuedFor] : [issuedFor, stale];
    try {
      await this.#collection.updateOne(
        { _id, $or: [NOT_ISSUED, { issuedFor: { $in: taken } }] },
        { $set: { open, createdAt, issuedFor }, $unset: { lastUsed: "" }, $setOnInsert: { userId } },
        { upsert: true },
      );
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /**
   * Uses a code, and records it. One conditional update decides: of any number of simultaneous challenges, one gets it. That
   * challenge may present the code again.
   * @returns the codes that are left; null if the code is unknown or used
   */
  async use(
    userId: string,
    { hash, by }: PresentedRecovery,
    events: readonly StoredEvent[],
  ): Promise<RecoveryCodes | null> {
    const { push, set } = pushed(events);
    const used = await this.#collection.findOneAndUpdate(
      { userId, open: hash },
      { $pull: { open: hash }, $set: { lastUsed: { hash, by }, ...set }, $push: push },
      { returnDocument: "after" },
    );
    return used ?? this.#collection.findOne({ userId, "lastUsed.hash": hash, "lastUsed.by": by });
  }

  /**
   * Invalidates every code of a user, unless they were issued for another factor since they were read. The document stays, because
   * its events may wait.
   */
  async clear(userId: string, { issuedFor }: Pick<RecoveryCodes, "issuedFor">): Promise<void> {
    await this.#collection.updateOne(
      { userId, ...(issuedFor === undefined ? NOT_ISSUED : { issuedFor }) },
      { $set: { open: [] }, $unset: { lastUsed: "", issuedFor: "" } },
    );
  }
}
