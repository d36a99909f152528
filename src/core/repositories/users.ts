import type { Collection, Db, IndexDescription } from "mongodb";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** A user. Everything else about the user is in other collections. */
export interface User {
  /** user_<ksuid> */
  _id: string;
  createdAt: string;
  /**
   * Stripe's id of the kept subscription. An update of this field decides which one is kept. Not in the published
   * documents.
   */
  keptSubscriptionId?: string | null;
  /**
   * Every Stripe subscription that was rejected. A rejected subscription is never kept again. Not in the published
   * documents.
   */
  rejectedSubscriptionIds?: string[];
  /** The rejected subscriptions whose rejection is not complete. Not in the published documents. */
  replacedSubscriptionIds?: string[];
}

const userIndexes: IndexDescription[] = [];

export class UserRepository {
  static readonly collectionName = "users";
  static readonly indexes = userIndexes;
  static readonly personalData: PersonalData<User> = {
    field: "_id",
    refersTo: "userIds",
    withheld: [],
  };
  readonly #collection: Collection<User>;
  constructor(database: Db) {
    this.#collection = database.collection(UserRepository.collectionName);
  }

  find(id: string): Promise<User | null> {
    return this.#collection.findOne({ _id: id });
  }

  /** Creates the user unless it exists. Safe to repeat and to race. */
  async ensure(id: string, createdAt: string): Promise<void> {
    try {
      await this.#collection.updateOne({ _id: id }, { $setOnInsert: { createdAt } }, { upsert: true });
    } catch (error) {
      // A simultaneous call created it.
      if (!isDuplicateKey(error)) throw error;
    }
  }

  /**
   * Keeps a Stripe subscription, unless the user keeps another subscription or this one was rejected before. One conditional
   * update decides between simultaneous calls. It creates the user if necessary.
   * @returns the user if the subscription is kept now, else null
   */
  async keepSubscription(id: string, stpSubscriptionId: string, now: string): Promise<User | null> {
    const keep = (upsert: boolean) =>
      this.#collection.findOneAndUpdate(
        {
          _id: id,
          keptSubscriptionId: { $in: [null, stpSubscriptionId] },
          rejectedSubscriptionIds: { $ne: stpSubscriptionId },
        },
        { $set: { keptSubscriptionId: stpSubscriptionId }, $setOnInsert: { createdAt: now } },
        { returnDocument: "after", upsert },
      );
    try {
      return await keep(true);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      // The user keeps another subscription, or a simultaneous call created the user.
      return keep(false);
    }
  }

  /**
   * Keeps a Stripe subscription in place of another. The same update records the rejection of the other, so that a crash loses
   * no rejection and no later event reverses the decision.
   * @param other the subscription that is kept now
   * @param hasLost whether the other subscription is rejected: it must be canceled, and its money returned
   * @returns the user if the subscription is kept now; null if the other is no longer kept, or this one was rejected meanwhile
   */
  replaceSubscription(
    id: string,
    stpSubscriptionId: string,
    other: string,
    hasLost: boolean,
  ): Promise<User | null> {
    const losers = hasLost ? [other] : [];
    return this.#collection.findOneAndUpdate(
      { _id: id, keptSubscriptionId: other, rejectedSubscriptionIds: { $ne: stpSubscriptionId } },
      {
        $set: { keptSubscriptionId: stpSubscriptionId },
        $addToSet: {
          rejectedSubscriptionIds: { $each: losers },
          replacedSubscriptionIds: { $each: losers },
        },
      },
      { returnDocument: "after" },
    );
  }

  /** Records that a subscription is rejected in favor of the kept one. @returns false if another one is kept by now */
  async rejectSubscription(id: string, stpSubscriptionId: string, kept: string): Promise<boolean> {
    const result = await this.#collection.updateOne(
      { _id: id, keptSubscriptionId: kept },
      {
        $addToSet: {
          rejectedSubscriptionIds: stpSubscriptionId,
          replacedSubscriptionIds: stpSubscriptionId,
        },
      },
    );
    return result.matchedCount === 1;
  }

  /** Records that the rejection of a subscription is complete. */
  async settleReplaced(id: string, stpSubscriptionId: string): Promise<void> {
    await this.#collection.updateOne({ _id: id }, { $pull: { replacedSubscriptionIds: stpSubscriptionId } });
  }

  /** Stops keeping a subscription that has ended. */
  async releaseSubscription(id: string, stpSubscriptionId: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, keptSubscriptionId: stpSubscriptionId },
      { $set: { keptSubscriptionId: null } },
    );
  }

  /** Removes a user whose id was not returned to anyone: another user claimed the address first. */
  async discard(id: string): Promise<void> {
    await this.#collection.deleteOne({ _id: id });
  }
}
