import type { Collection, Db, Filter, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { findWithOwner } from "#core/repositories/identifier_owner.ts";
import { KnownDeviceWrites } from "#core/repositories/known_device_writes.ts";
import { OUTBOX_INDEX, type Outbox, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type { RegistrationState } from "#core/repositories/registration_writes.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import type { User } from "#core/repositories/user_document.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** The kinds of identifier that a user can have. */
export const IDENTIFIER_TYPES = ["email", "phone"] as const;
export type IdentifierType = (typeof IDENTIFIER_TYPES)[number];

/** The type of a normalized identifier: only an email address contains an `@`. */
export const identifierTypeOf = (identity: string): IdentifierType =>
  identity.includes("@") ? "email" : "phone";

/** An email address or a phone number of a user. */
export interface Identifier extends Outbox {
  /** userident_<ksuid> */
  _id: string;
  userId: string;
  identifierType: IdentifierType;
  /** Normalized. An email address: trimmed, lower case, domain as A-labels. A phone number: E.164. */
  identifierValue: string;
  createdAt: string;
  updatedAt: string | null;
  /**
   * Set when a link or a code that was sent to this address or number is redeemed, or when an operator imports an address that
   * another system had verified; and only then. Null: somebody claimed it for a new user, and nobody has proved it.
   */
  verifiedAt: string | null;
  removedAt: string | null;
  /**
   * When the user last made it the primary identifier of its type. The latest is the primary one, so that one write changes it.
   * Absent: never. Not in the published documents.
   */
  primarySince?: string;
  /**
   * The immediate registration that claimed it, until that is complete, or until the owner begins to prove the address. A call that
   * stopped is completed by the next one. Not in the published documents.
   */
  registration?: RegistrationState;
  /**
   * `admin`: an administrator claimed it for a user whom they created. What the administrator set stays at the first proof. Absent:
   * somebody claimed it for themselves. Not in the published documents.
   */
  claimedBy?: "admin";
  /** SHA-256 of the `beak_id` of each device that signed in with this address, the newest last. Not in the published documents. */
  knownDevices?: string[];
}

const identifierIndexes: IndexDescription[] = [
  {
    key: { identifierType: 1, identifierValue: 1 },
    unique: true,
    partialFilterExpression: { removedAt: null },
  },
  // The addresses of deleted users, until they are erased.
  {
    key: { identifierType: 1, identifierValue: 1, _id: 1 },
    partialFilterExpression: { removedAt: { $type: "string" } },
  },
  { key: { userId: 1 } },
  OUTBOX_INDEX,
];

export class IdentifierRepository extends KnownDeviceWrites<Identifier> {
  static readonly collectionName = "identifiers";
  static readonly indexes = identifierIndexes;
  static readonly personalData: PersonalData<Identifier> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["registration"],
  };
  readonly #collection: Collection<Identifier>;
  readonly #reads: CombinedReads<Identifier>;
  constructor(database: Db) {
    const collection: Collection<Identifier> = database.collection(IdentifierRepository.collectionName);
    super(collection);
    this.#collection = collection;
    this.#reads = new CombinedReads(database, IdentifierRepository.collectionName);
  }

  findActive(identifierType: IdentifierType, identifierValue: string): Promise<Identifier | null> {
    return this.#reads.findOne({ identifierType, identifierValue, removedAt: null });
  }

  /** Reads an active identifier, its user and their password with one command. */
  findWithPassword(identifierType: IdentifierType, identifierValue: string) {
    const active = { identifierType, identifierValue, removedAt: null };
    return findWithOwner(this.#collection, active, { hasPassword: true });
  }

  /** Reads an active identifier and its user with one command. */
  async findWithUser(
    identifierType: IdentifierType,
    identifierValue: string,
  ): Promise<{ identifier: Identifier | null; user: User | null }> {
    const active = { identifierType, identifierValue, removedAt: null };
    const found = await findWithOwner(this.#collection, active, { hasPassword: false });
    return found ?? { identifier: null, user: null };
  }

  /** Lists identifiers that `startingWith` matches, by their value. */
  listByPrefix(filter: Filter<Identifier>, limit: number): Promise<Identifier[]> {
    return this.#collection.find(filter).sort({ identifierValue: 1 }).limit(limit).toArray();
  }

  /** Lists identifiers that `removedStartingWith` matches, by their value. */
  listRemovedByPrefix(filter: Filter<Identifier>, limit: number): Promise<Identifier[]> {
    return this.#collection.find(filter).sort({ identifierValue: 1, _id: 1 }).limit(limit).toArray();
  }

  /** Lists all identifiers of users, removed ones included, the oldest first. */
  listByUsers(userIds: readonly string[]): Promise<Identifier[]> {
    return this.#collection
      .find({ userId: { $in: [...userIds] } })
      .sort({ createdAt: 1, _id: 1 })
      .toArray();
  }

  /** Lists all addresses of a user, removed addresses included, the oldest first. */
  async listByUser(userId: string): Promise<Identifier[]> {
    const identifiers = await this.#reads.findAll({ userId });
    const ageOf = ({ createdAt, _id }: Identifier) => `${createdAt} ${_id}`;
    return identifiers.sort((one, other) => (ageOf(one) < ageOf(other) ? -1 : 1));
  }

  /** Claims the address or number. One of any simultaneous calls gets true; the others find its identifier. */
  async insert(identifier: Identifier): Promise<boolean> {
    try {
      await this.#collection.insertOne(identifier);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /**
   * Marks the address as verified and records it, unless it is verified already.
   * @param knownDevices replaces the devices that are known; undefined: they stay
   */
  async verify(
    id: string,
    now: string,
    events: readonly StoredEvent[],
    knownDevices?: readonly string[],
  ): Promise<void> {
    const { push, set } = pushed(events);
    const devices = knownDevices && { knownDevices: [...knownDevices] };
    const verified = { verifiedAt: now, updatedAt: now, ...set, ...devices };
    await this.#collection.updateOne(
      { _id: id, verifiedAt: null },
      { $set: verified, $unset: { registration: "" }, $push: push },
    );
  }

  /**
   * Makes a verified identifier the primary one of its type and records it.
   * @returns null if it is not verified or was removed
   */
  makePrimary(id: string, now: string, events: readonly StoredEvent[]): Promise<Identifier | null> {
    const { push, set } = pushed(events);
    return this.#collection.findOneAndUpdate(
      { _id: id, verifiedAt: { $ne: null }, removedAt: null },
      { $set: { primarySince: now, updatedAt: now, ...set }, $push: push },
      { returnDocument: "after" },
    );
  }

  /** Frees an identifier for everyone and records it. One of any simultaneous calls gets the document, the others null. */
  remove(id: string, now: string, events: readonly StoredEvent[]): Promise<Identifier | null> {
    const { push, set } = pushed(events);
    return this.#collection.findOneAndUpdate(
      { _id: id, removedAt: null },
      { $set: { removedAt: now, updatedAt: now, ...set }, $push: push },
      { returnDocument: "after" },
    );
  }

  /** Discards an identifier whose user was erased while it was stored. */
  async discard(id: string): Promise<void> {
    await this.#collection.deleteOne({ _id: id });
  }

  /** Removes an address that nobody verified. @returns false if it was verified meanwhile */
  async removeUnverified(id: string): Promise<boolean> {
    return (await this.#collection.deleteOne({ _id: id, verifiedAt: null })).deletedCount === 1;
  }
}
