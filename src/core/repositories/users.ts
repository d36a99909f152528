import type { Collection, Db, IndexDescription } from "mongodb";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** A person. What is known of them lives in the other collections. */
export interface User {
  /** user_<ksuid> */
  _id: string;
  createdAt: string;
  /** The Stripe subscription that is kept, of those that are alive: it is decided here. Not in the published documents. */
  keptSubscriptionId?: string | null;
  /** All that ever lost to another one: none of them is kept again. Not in the published documents. */
  rejectedSubscriptionIds?: string[];
  /** Those of them that are still to be cancelled and given back. Not in the published documents. */
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
   * Makes a Stripe subscription the one that the user keeps, unless another one is kept or it has lost to another before.
   * One conditional update decides for any number of simultaneous calls. A user who has no document yet gets one.
   * @returns the user if it is kept now, else null
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
      // The user keeps another one, or was made by a call beside this one.
      return keep(false);
    }
  }

  /**
   * Makes a Stripe subscription the kept one in the place of another. The same update notes who lost, so that a crash
   * forgets nobody and nothing later turns the decision round.
   * @param hasLost whether the other one is to be cancelled and given back
   * @returns the user if it is kept now; null if the other one is not kept any more, or this one lost meanwhile
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

  /** Notes that a subscription lost to the kept one. @returns false if another one is kept by now */
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

  /** One that lost has been cancelled and given back. */
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
}
