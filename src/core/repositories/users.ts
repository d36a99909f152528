import type { Collection, Db, IndexDescription } from "mongodb";
import { isDuplicateKey } from "#core/clients/mongo.ts";

/** A person. What is known of them lives in the other collections. */
export interface User {
  /** user_<ksuid> */
  _id: string;
  createdAt: string;
}

export const userIndexes: IndexDescription[] = [];

export class UserRepository {
  static readonly collectionName = "users";
  readonly #collection: Collection<User>;
  constructor(database: Db) {
    this.#collection = database.collection(UserRepository.collectionName);
  }

  find(id: string): Promise<User | null> {
    return this.#collection.findOne({ _id: id });
  }

  /** Makes the user if it is not there. Safe to repeat and to race. */
  async ensure(id: string, createdAt: string): Promise<void> {
    try {
      await this.#collection.updateOne({ _id: id }, { $setOnInsert: { createdAt } }, { upsert: true });
    } catch (error) {
      // Two at once: the other one made it.
      if (!isDuplicateKey(error)) throw error;
    }
  }

  /** Removes a user nobody has heard of yet: the loser of a race for an address. */
  async discard(id: string): Promise<void> {
    await this.#collection.deleteOne({ _id: id });
  }
}
