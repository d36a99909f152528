import type { Collection, Db, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** Maps a Stripe customer to a user. */
export interface ProviderMapping {
  /** provmap_<ksuid> */
  _id: string;
  userId: string;
  providerType: "stripe";
  /** cus_… */
  providerValue: string;
  /**
   * `nest` if Nest created the customer for the user. `address` if the customer was matched to the user by its email
   * address alone, which proves nothing. Absent if the mapping is older than this field, or repairs a lost mapping: it is
   * read as `address`.
   */
  matchedBy?: "nest" | "address";
  createdAt: string;
  updatedAt: string | null;
  removedAt: string | null;
}

const providerMappingIndexes: IndexDescription[] = [
  { key: { userId: 1 } },
  {
    key: { providerType: 1, providerValue: 1 },
    unique: true,
    partialFilterExpression: { removedAt: null },
  },
];

export class ProviderMappingRepository {
  static readonly collectionName = "provider-mappings";
  static readonly indexes = providerMappingIndexes;
  static readonly personalData: PersonalData<ProviderMapping> = {
    field: "userId",
    refersTo: "userIds",
    withheld: [],
  };
  readonly #collection: Collection<ProviderMapping>;
  readonly #reads: CombinedReads<ProviderMapping>;
  constructor(database: Db) {
    this.#collection = database.collection(ProviderMappingRepository.collectionName);
    this.#reads = new CombinedReads(database, ProviderMappingRepository.collectionName);
  }

  findByCustomer(providerValue: string): Promise<ProviderMapping | null> {
    return this.#collection.findOne({ providerType: "stripe", providerValue, removedAt: null });
  }

  /** Finds a user's newest customer, or null. */
  findByUser(userId: string): Promise<ProviderMapping | null> {
    return this.#collection.findOne(
      { userId, providerType: "stripe", removedAt: null },
      { sort: { createdAt: -1, _id: -1 } },
    );
  }

  /** Lists a user's customers that Stripe has. */
  async listByUser(userId: string): Promise<ProviderMapping[]> {
    const mappings = await this.#reads.findAll({ userId });
    return mappings.filter(({ removedAt }) => removedAt === null);
  }

  /** Marks the mapping of a customer as removed, because Stripe no longer has the customer. */
  async remove(providerValue: string, now: string): Promise<void> {
    await this.#collection.updateOne(
      { providerType: "stripe", providerValue, removedAt: null },
      { $set: { removedAt: now, updatedAt: now } },
    );
  }

  /** Deletes the mapping of a customer that Nest created for the user. */
  async deleteOwn(userId: string, providerValue: string): Promise<void> {
    await this.#collection.deleteMany({ userId, providerValue, matchedBy: "nest" });
  }

  /** Removes the mappings of all customers that Nest created for the user. */
  async deleteAllOwn(userId: string): Promise<void> {
    await this.#collection.deleteMany({ userId, matchedBy: "nest" });
  }

  /**
   * Maps a customer to the user for whom Nest created it, also if its address was matched to this user meanwhile. A mapping
   * to another user stays.
   */
  async restoreOwn(mapping: ProviderMapping): Promise<void> {
    if (await this.insert(mapping)) return;
    const { userId, providerValue, updatedAt } = mapping;
    await this.#collection.updateOne(
      { userId, providerValue, removedAt: null, matchedBy: { $ne: "nest" } },
      { $set: { matchedBy: "nest", updatedAt } },
    );
  }

  /** Maps a customer. @returns false if the customer is mapped already */
  async insert(mapping: ProviderMapping): Promise<boolean> {
    try {
      await this.#collection.insertOne(mapping);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }
}
