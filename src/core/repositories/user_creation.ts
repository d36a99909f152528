import type { Collection } from "mongodb";
import { derivedIdOf } from "#core/ids.ts";
import type { User } from "#core/repositories/user_document.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** The fields with which a user is created. */
export const newUser = (id: string, createdAt: string) => ({
  createdAt,
  defaultAccountId: derivedIdOf(id, "account"),
});

/** The writes that create and remove users, and decide what they may remove. Part of the repository of users. */
export class UserCreation {
  readonly #collection: Collection<User>;
  constructor(users: Collection<User>) {
    this.#collection = users;
  }

  /**
   * Creates the user unless it exists. Safe to repeat and to race. The caller writes the account.
   * @param profile stored with a new user
   * @returns the user if it existed; null if this or a simultaneous call created it
   */
  async ensure(
    id: string,
    createdAt: string,
    profile: Pick<User, "name" | "metadata" | "defaultAccountId"> = {},
  ): Promise<User | null> {
    try {
      return await this.#collection.findOneAndUpdate(
        { _id: id },
        { $setOnInsert: { ...newUser(id, createdAt), ...profile } },
        { upsert: true, returnDocument: "before" },
      );
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return null;
    }
  }

  /** Inserts a user who acts in the account of others, which adds them. The caller writes the membership. */
  async insertAdded(id: string, createdAt: string, accountId: string): Promise<void> {
    await this.#collection.insertOne({ _id: id, createdAt, defaultAccountId: accountId });
  }

  /** Makes another account the default of a user. @param from their default until now; if it is another, nothing is changed */
  async changeDefaultAccount(id: string, from: string, to: string): Promise<void> {
    await this.#collection.updateOne({ _id: id, defaultAccountId: from }, { $set: { defaultAccountId: to } });
  }

  /** Makes the account that a user owns from the start the default of each user who has none. */
  async setOwnAccount(ids: readonly string[]): Promise<void> {
    const updates = [...ids].sort().map((id) => ({
      updateOne: {
        filter: { _id: id, defaultAccountId: { $exists: false } },
        update: { $set: { defaultAccountId: derivedIdOf(id, "account") } },
      },
    }));
    await this.#collection.bulkWrite(updates, { ordered: false });
  }

  /** Returns those of the ids that belong to users. */
  async listExisting(ids: readonly string[]): Promise<string[]> {
    const found = await this.#collection
      .find({ _id: { $in: [...ids] } }, { projection: { _id: 1 } })
      .toArray();
    return found.map(({ _id }) => _id);
  }

  /**
   * Records that a user removes an identifier, a linked account or a second factor, before it is removed. One of any simultaneous calls
   * with the same list gets true; the others must read and decide again.
   * @param removedSoFar `removedIdentifierIds` as it was read when the removal was judged
   * @param kept those of them that stay in the list; the others are finished, so nothing needs them
   */
  async recordRemoval(
    id: string,
    removedId: string,
    removedSoFar: readonly string[],
    kept: readonly string[],
  ): Promise<boolean> {
    const unchanged = removedSoFar.length === 0 ? { $exists: false } : { $eq: [...removedSoFar] };
    const result = await this.#collection.updateOne(
      { _id: id, removedIdentifierIds: unchanged },
      // An id is listed once, so the list never becomes again what another removal has read.
      { $set: { removedIdentifierIds: [...kept, removedId] } },
    );
    return result.modifiedCount === 1;
  }

  /**
   * Removes a user who keeps no subscription. The account is the caller's task.
   * @param ended the user's subscription that ended, or null
   */
  async discard(id: string, ended: string | null = null): Promise<void> {
    await this.#collection.deleteOne({ _id: id, keptSubscriptionId: { $in: [null, ended] } });
  }
}
