import type { Collection, Db, IndexDescription } from "mongodb";
import { isDuplicateKey } from "#core/clients/mongo.ts";

/** A person. What is known of them lives in the other collections. */
export interface User {
  /** user_<ksuid> */
  _id: string;
  createdAt: string;
  /** The Stripe subscription that is kept, of those that are alive: it is decided here. Not in the published documents. */
  keptSubscriptionId?: string | null;
  /** Those that lost to the kept one and are still to be cancelled. Not in the published documents. */
  replacedSubscriptionIds?: string[];
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

  /**
   * Makes a Stripe subscription the one that the user keeps, unless another one is kept. One conditional update decides
   * for any number of simultaneous calls, and the same update notes whom it replaced, so that a crash forgets nobody. A
   * user who has no document yet gets one.
   * @param instead the one that may be replaced
   * @returns the user if it is kept now, else null
   */
  async keepSubscription(
    id: string,
    stpSubscriptionId: string,
    now: string,
    instead?: string,
  ): Promise<User | null> {
    const replaceable = instead === undefined ? [] : [instead];
    const keep = (upsert: boolean) =>
      this.#collection.findOneAndUpdate(
        { _id: id, keptSubscriptionId: { $in: [null, stpSubscriptionId, ...replaceable] } },
        {
          $set: { keptSubscriptionId: stpSubscriptionId },
          $addToSet: { replacedSubscriptionIds: { $each: replaceable } },
          $setOnInsert: { createdAt: now },
        },
        { returnDocument: "after", upsert },
      );
    try {
      return await keep(true);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      // The user keeps another one, or was made by a call beside this one.
      return keep(false);
    }
  }

  /** A replaced subscription has been cancelled and given back. */
  async settleReplaced(id: string, stpSubscriptionId: string): Promise<void> {
    await this.#collection.updateOne({ _id: id }, { $pull: { replacedSubscriptionIds: stpSubscriptionId } });
  }

  /** Lets go of a subscription that has ended. */
  async releaseSubscription(id: string, stpSubscriptionId: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, keptSubscriptionId: stpSubscriptionId },
      { $set: { keptSubscriptionId: null } },
    );
  }

  /** Removes a user nobody has heard of yet: the loser of a race for an address. */
  async discard(id: string): Promise<void> {
    await this.#collection.deleteOne({ _id: id });
  }

  async remove(id: string): Promise<void> {
    await this.#collection.deleteOne({ _id: id });
  }
}
