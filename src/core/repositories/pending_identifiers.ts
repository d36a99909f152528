import type { Collection, Db, Filter, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import type { IdentifierType } from "#core/repositories/identifiers.ts";
import { OUTBOX_INDEX, type Outbox, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/**
 * An address or number that a user wants to add and has not proved. It claims nothing: any number of users may have the same
 * one. The user who proves it first gets the identifier, with the same id.
 */
export interface PendingIdentifier extends Outbox {
  /** userident_<ksuid> */
  _id: string;
  userId: string;
  identifierType: IdentifierType;
  /** Normalized, as in `identifiers`. */
  identifierValue: string;
  createdAt: string;
  /** When it was proved or removed; null while it is pending. */
  endedAt: string | null;
  /** The verification by which it was proved; null if it is pending, or was removed. */
  endedBy: string | null;
  /** A BSON date, because a TTL index ignores strings. */
  purgeAt: Date;
}

const pendingIndexes: IndexDescription[] = [
  {
    key: { userId: 1, identifierType: 1, identifierValue: 1 },
    unique: true,
    partialFilterExpression: { endedAt: null },
  },
  // Support staff search addresses that are not verified yet.
  { key: { identifierType: 1, identifierValue: 1, _id: 1 }, partialFilterExpression: { endedAt: null } },
  { key: { userId: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
  OUTBOX_INDEX,
];

export class PendingIdentifierRepository {
  static readonly collectionName = "pending_identifiers";
  static readonly indexes = pendingIndexes;
  static readonly personalData: PersonalData<PendingIdentifier> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["endedBy", "purgeAt"],
  };
  readonly #collection: Collection<PendingIdentifier>;
  readonly #reads: CombinedReads<PendingIdentifier>;
  constructor(database: Db) {
    this.#collection = database.collection(PendingIdentifierRepository.collectionName);
    this.#reads = new CombinedReads(database, PendingIdentifierRepository.collectionName);
  }

  /** Lists what a user has not proved yet, the oldest first. */
  async listOpen(userId: string): Promise<PendingIdentifier[]> {
    return (await this.listByUser(userId)).filter(({ endedAt }) => endedAt === null);
  }

  /** Lists what a user has not proved yet, and for some days what ended, the oldest first. */
  async listByUser(userId: string): Promise<PendingIdentifier[]> {
    const pending = await this.#reads.findAll({ userId });
    const ageOf = ({ createdAt, _id }: PendingIdentifier) => `${createdAt} ${_id}`;
    return pending.sort((one, other) => (ageOf(one) < ageOf(other) ? -1 : 1));
  }

  /** Lists what several users have not verified yet, the oldest first. */
  listOpenByUsers(userIds: readonly string[]): Promise<PendingIdentifier[]> {
    return this.#collection
      .find({ userId: { $in: [...userIds] }, endedAt: null })
      .sort({ createdAt: 1, _id: 1 })
      .toArray();
  }

  /** Lists identifiers that `pendingStartingWith` matches, by their value. */
  listByPrefix(filter: Filter<PendingIdentifier>, limit: number): Promise<PendingIdentifier[]> {
    return this.#collection.find(filter).sort({ identifierValue: 1, _id: 1 }).limit(limit).toArray();
  }

  /**
   * Adds a pending identifier, unless the user has it already.
   * @returns the one that is stored now. Simultaneous calls get the same
   */
  async ensure(pending: PendingIdentifier): Promise<PendingIdentifier> {
    try {
      await this.#collection.insertOne(pending);
      return pending;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    const { userId, identifierType, identifierValue } = pending;
    const found = await this.#collection.findOne({ userId, identifierType, identifierValue, endedAt: null });
    return found ?? this.ensure(pending);
  }

  /** Keeps a pending identifier until a later date, because another message was sent. */
  async keepUntil(id: string, purgeAt: Date): Promise<void> {
    await this.#collection.updateOne({ _id: id, endedAt: null }, { $max: { purgeAt } });
  }

  /**
   * Ends a pending identifier because it is proved. The same verification may repeat it.
   * @returns null if the user has removed it, or proved it by another verification
   */
  async prove(
    { userId, identifierType, identifierValue }: Omit<PendingIdentifier, keyof Outbox | "_id">,
    verificationId: string,
    now: string,
  ): Promise<PendingIdentifier | null> {
    const value = { userId, identifierType, identifierValue };
    const proved = await this.#collection.findOneAndUpdate(
      { ...value, endedAt: null },
      { $set: { endedAt: now, endedBy: verificationId } },
      { returnDocument: "after" },
    );
    return proved ?? this.#collection.findOne({ ...value, endedBy: verificationId });
  }

  /** Removes a pending identifier and records it. One of any simultaneous calls gets true. */
  async remove(id: string, now: string, events: readonly StoredEvent[]): Promise<boolean> {
    const { push, set } = pushed(events);
    const removed = await this.#collection.updateOne(
      { _id: id, endedAt: null },
      { $set: { endedAt: now, ...set }, $push: push },
    );
    return removed.modifiedCount === 1;
  }
}
