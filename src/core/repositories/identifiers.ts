import type { Collection, Db, IndexDescription } from "mongodb";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** An address that belongs to a user. */
export interface Identifier {
  /** userident_<ksuid> */
  _id: string;
  userId: string;
  identifierType: "email";
  /** Normalised: trimmed, lower case, domain as A-labels. */
  identifierValue: string;
  createdAt: string;
  updatedAt: string | null;
  /** Set when a magic link sent to this address is redeemed, and then only. */
  verifiedAt: string | null;
  removedAt: string | null;
  /** SHA-256 of the `beak_id`s that signed this address in, newest last. Not in the published documents. */
  knownDevices?: string[];
}

/** Machines remembered per address; an older one is just a new machine again. */
export const KNOWN_DEVICES_LIMIT = 20;

const identifierIndexes: IndexDescription[] = [
  {
    key: { identifierType: 1, identifierValue: 1 },
    unique: true,
    partialFilterExpression: { removedAt: null },
  },
  { key: { userId: 1 } },
];

export class IdentifierRepository {
  static readonly collectionName = "identifiers";
  static readonly indexes = identifierIndexes;
  static readonly personalData: PersonalData<Identifier> = {
    field: "userId",
    refersTo: "userIds",
    withheld: [],
  };
  readonly #collection: Collection<Identifier>;
  constructor(database: Db) {
    this.#collection = database.collection(IdentifierRepository.collectionName);
  }

  findActive(identifierType: "email", identifierValue: string): Promise<Identifier | null> {
    return this.#collection.findOne({ identifierType, identifierValue, removedAt: null });
  }

  /** All of a user's, removed ones included, oldest first. */
  listByUser(userId: string): Promise<Identifier[]> {
    return this.#collection.find({ userId }).sort({ createdAt: 1, _id: 1 }).toArray();
  }

  /** Claims the address. Of any number of simultaneous calls one gets true; the others find its identifier. */
  async insert(identifier: Identifier): Promise<boolean> {
    try {
      await this.#collection.insertOne(identifier);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /** Records that the address was proved by a redeemed link; the first time stays. */
  async verify(id: string, now: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, verifiedAt: null },
      { $set: { verifiedAt: now, updatedAt: now } },
    );
  }

  /** Remembers a machine that signed this address in. */
  async rememberDevice(id: string, deviceHash: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, knownDevices: { $ne: deviceHash } },
      { $push: { knownDevices: { $each: [deviceHash], $slice: -KNOWN_DEVICES_LIMIT } } },
    );
  }
}
