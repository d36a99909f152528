import type { Collection, Db, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { OUTBOX_INDEX } from "#core/repositories/outbox.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import { ERASURE_INDEX } from "#core/repositories/user_administration.ts";
import { newUser } from "#core/repositories/user_creation.ts";
import type { PendingRejection, RejectionDecision, User } from "#core/repositories/user_document.ts";
import { USER_LIST_INDEXES, UserLists } from "#core/repositories/user_lists.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

export type { PendingRejection, RejectionDecision, User } from "#core/repositories/user_document.ts";

const userIndexes: IndexDescription[] = [...USER_LIST_INDEXES, ERASURE_INDEX, OUTBOX_INDEX];

/** The field of a subscription's pending rejection. */
const pendingField = (stpSubscriptionId: string) => `pendingRejections.${stpSubscriptionId}`;

export class UserRepository extends UserLists {
  static readonly collectionName = "users";
  static readonly indexes = userIndexes;
  static readonly personalData: PersonalData<User> = {
    field: "_id",
    refersTo: "userIds",
    withheld: ["eraseAt"],
  };
  readonly #collection: Collection<User>;
  readonly #reads: CombinedReads<User>;
  constructor(database: Db) {
    const collection: Collection<User> = database.collection(UserRepository.collectionName);
    super(collection);
    this.#collection = collection;
    this.#reads = new CombinedReads(database, UserRepository.collectionName);
  }

  find(id: string): Promise<User | null> {
    return this.#reads.findOne({ _id: id });
  }

  /**
   * Ends every session whose person signed in until now, also a session that a sign-in of this moment stores later.
   * @param exceptId the session that stays, or null. An earlier end of sessions never replaces a later one
   */
  async endSessions(id: string, at: string, exceptId: string | null): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, "sessionsEnded.at": { $not: { $gt: at } } },
      { $set: { sessionsEnded: { at, exceptId } } },
    );
  }

  /**
   * Makes sign-ins of a user read the second factors. Call it before the user's first factor is stored, so that no sign-in misses it.
   * @returns false if there is no such user: sign-ins would not ask for a factor
   */
  async markFactors(id: string): Promise<boolean> {
    const result = await this.#collection.updateOne({ _id: id }, { $set: { mayHaveFactors: true } });
    return result.matchedCount === 1;
  }

  /**
   * Ends every session that somebody started without a proof until `at`, also one that a sign-in of this moment stores later, and
   * removes the name, locale and metadata that they gave.
   * @param keepsProfile whether somebody whom Nest trusts gave them
   */
  async endUnproved(id: string, at: string, { keepsProfile }: { keepsProfile: boolean }): Promise<void> {
    const planted = { name: "", locale: "", metadata: "" } as const;
    await this.#collection.updateOne(
      { _id: id },
      { $max: { unprovedEndedAt: at }, ...(!keepsProfile && { $unset: planted }) },
    );
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
        { $set: { keptSubscriptionId: stpSubscriptionId }, $setOnInsert: newUser(id, now) },
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
   * @param loss why the other subscription is rejected: it must be canceled, and its money returned. Null if it is not rejected
   * @returns the user if the subscription is kept now; null if the other is no longer kept, or this one was rejected meanwhile
   */
  replaceSubscription(
    id: string,
    stpSubscriptionId: string,
    other: string,
    loss: RejectionDecision | null,
  ): Promise<User | null> {
    const losers = loss ? [other] : [];
    return this.#collection.findOneAndUpdate(
      { _id: id, keptSubscriptionId: other, rejectedSubscriptionIds: { $ne: stpSubscriptionId } },
      {
        $set: { keptSubscriptionId: stpSubscriptionId, ...(loss && { [pendingField(other)]: loss }) },
        $addToSet: {
          rejectedSubscriptionIds: { $each: losers },
          replacedSubscriptionIds: { $each: losers },
        },
      },
      { returnDocument: "after" },
    );
  }

  /**
   * Records that a subscription is rejected in favor of the kept one.
   * @returns false if another one is kept by now, or the subscription was rejected before
   */
  async rejectSubscription(
    id: string,
    stpSubscriptionId: string,
    kept: string,
    loss: RejectionDecision,
  ): Promise<boolean> {
    const result = await this.#collection.updateOne(
      { _id: id, keptSubscriptionId: kept, rejectedSubscriptionIds: { $ne: stpSubscriptionId } },
      {
        $set: { [pendingField(stpSubscriptionId)]: loss },
        $addToSet: {
          rejectedSubscriptionIds: stpSubscriptionId,
          replacedSubscriptionIds: stpSubscriptionId,
        },
      },
    );
    return result.matchedCount === 1;
  }

  /**
   * Begins to apply the decision that a subscription is rejected. From then on the decision stands.
   * @returns the decision, without its facts if an earlier release stored it; null if the subscription is not rejected
   */
  async applyRejection(id: string, stpSubscriptionId: string, now: string): Promise<PendingRejection | null> {
    const user = await this.#collection.findOneAndUpdate(
      { _id: id, rejectedSubscriptionIds: stpSubscriptionId },
      { $set: { [`${pendingField(stpSubscriptionId)}.appliedAt`]: now } },
      { returnDocument: "after" },
    );
    return user?.pendingRejections?.[stpSubscriptionId] ?? null;
  }

  /**
   * Reverses the decision that a subscription is rejected, unless it is being applied or another subscription is kept.
   * @param kept the kept subscription; null if none is kept
   * @returns whether the decision was reversed
   */
  async revokeRejection(id: string, stpSubscriptionId: string, kept: string | null): Promise<boolean> {
    const result = await this.#collection.updateOne(
      {
        ...{ _id: id, keptSubscriptionId: kept, replacedSubscriptionIds: stpSubscriptionId },
        [`${pendingField(stpSubscriptionId)}.appliedAt`]: { $exists: false },
      },
      {
        $pull: { rejectedSubscriptionIds: stpSubscriptionId, replacedSubscriptionIds: stpSubscriptionId },
        $unset: { [pendingField(stpSubscriptionId)]: "" },
      },
    );
    return result.matchedCount === 1;
  }

  /** Records that the rejection of a subscription is complete. */
  async settleReplaced(id: string, stpSubscriptionId: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id },
      {
        $pull: { replacedSubscriptionIds: stpSubscriptionId },
        $unset: { [pendingField(stpSubscriptionId)]: "" },
      },
    );
  }

  /** Stops keeping a subscription that has ended. */
  async releaseSubscription(id: string, stpSubscriptionId: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, keptSubscriptionId: stpSubscriptionId },
      { $set: { keptSubscriptionId: null } },
    );
  }
}
