import type { Collection, Db, IndexDescription } from "mongodb";
import type { PersonalData } from "#core/repositories/repository.ts";
import type { Subscription } from "#core/repositories/subscription_document.ts";
import type { Trial, TrialStep } from "#core/repositories/trial_document.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

export type { Trial, TrialStep } from "#core/repositories/trial_document.ts";

const trialIndexes: IndexDescription[] = [
  // Trials of 2022 lack these three fields, and must not collide because of that.
  {
    key: { identifierValue: 1 },
    unique: true,
    partialFilterExpression: { identifierValue: { $exists: true } },
  },
  { key: { beakIds: 1 }, unique: true, partialFilterExpression: { beakIds: { $exists: true } } },
  { key: { fingerprints: 1 }, unique: true, partialFilterExpression: { fingerprints: { $exists: true } } },
  { key: { "device.beakId": 1 } },
  { key: { "device.fingerprint": 1 } },
  { key: { userId: 1 } },
];

export class TrialRepository {
  static readonly collectionName = "trials";
  static readonly indexes = trialIndexes;
  static readonly personalData: PersonalData<Trial> = {
    field: "userId",
    refersTo: "userIds",
    // A claim that stopped halfway names an id that no user has.
    also: { field: "identifierValue", refersTo: "addresses" },
    withheld: [],
    // The trial stays on record without its user, since each device gets one trial only.
    anonymize: (erasureId, now) => ({
      identifierValue: erasureId,
      userId: erasureId,
      stpCustomerId: null,
      stpSubscriptionId: null,
      updatedAt: now,
    }),
  };
  readonly #collection: Collection<Trial>;
  constructor(database: Db) {
    this.#collection = database.collection(TrialRepository.collectionName);
  }

  /** Lists every trial of an address or of a device. */
  listConcerning(identifierValue: string, beakId: string, fingerprint: string): Promise<Trial[]> {
    return this.#collection
      .find({
        $or: [
          { identifierValue },
          { beakIds: beakId },
          { fingerprints: fingerprint },
          { "device.beakId": beakId },
          { "device.fingerprint": fingerprint },
        ],
      })
      .toArray();
  }

  /** Finds the trial of an address, or null. */
  findByAddress(identifierValue: string): Promise<Trial | null> {
    return this.#collection.findOne({ identifierValue });
  }

  /** Whether a user has had a trial, with any address. */
  async isKnownUser(userId: string): Promise<boolean> {
    return (await this.#collection.findOne({ userId })) !== null;
  }

  /** Claims the trial. One of any simultaneous calls for an address or a device gets true. */
  async claim(trial: Trial): Promise<boolean> {
    try {
      await this.#collection.insertOne(trial);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /** Adds a device to an open trial. @returns false if the trial is no longer open or another trial has the device */
  async join(id: string, beakId: string, fingerprint: string): Promise<boolean> {
    try {
      const result = await this.#collection.updateOne(
        { _id: id, redeemedAt: null },
        { $addToSet: { beakIds: beakId, fingerprints: fingerprint } },
      );
      return result.matchedCount === 1;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /** Changes the user of a trial: the address was claimed by a sign-in meanwhile. */
  async recordUser(id: string, userId: string, now: string): Promise<void> {
    await this.#collection.updateOne({ _id: id }, { $set: { userId, updatedAt: now } });
  }

  /**
   * Renews an open trial: forgets a subscription that ended before the owner signed in, so that a new one is created. A sign-in
   * after that end counts for the new subscription.
   * @param hadBefore a user who signed in before this time used the trial, and gets no renewal
   * @returns the trial, or null if it can't be renewed
   */
  async renew(
    id: string,
    endedSubscriptionId: string,
    hadBefore: string,
    now: string,
  ): Promise<Trial | null> {
    return this.#collection.findOneAndUpdate(
      {
        _id: id,
        stpSubscriptionId: endedSubscriptionId,
        redeemedAt: null,
        signedInAt: { $not: { $lt: hadBefore } },
      },
      [
        {
          $set: {
            ...{ stpSubscriptionId: null, startsAt: null, endsAt: null, attemptedAt: now, updatedAt: now },
            signedInAt: { $cond: [{ $eq: ["$signedInAt", null] }, null, now] },
            "attempts.subscription": { $add: ["$attempts.subscription", 1] },
          },
        },
      ],
      { returnDocument: "after" },
    );
  }

  /** Forgets a customer that Stripe no longer has. @returns null if the trial has another customer, or none */
  forgetCustomer(id: string, stpCustomerId: string, now: string): Promise<Trial | null> {
    return this.#collection.findOneAndUpdate(
      { _id: id, stpCustomerId },
      { $set: { stpCustomerId: null, updatedAt: now }, $inc: { "attempts.customer": 1 } },
      { returnDocument: "after" },
    );
  }

  async recordCustomer(id: string, stpCustomerId: string, now: string): Promise<void> {
    await this.#collection.updateOne({ _id: id }, { $set: { stpCustomerId, updatedAt: now } });
  }

  /**
   * Records the subscription, unless a subscription is recorded: a late response may be about an ended subscription.
   */
  async recordSubscription(
    id: string,
    made: Pick<Trial, "stpProductId" | "stpSubscriptionId" | "startsAt" | "endsAt">,
    now: string,
  ): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, stpSubscriptionId: null },
      { $set: { ...made, updatedAt: now } },
    );
  }

  /** Gives a step a new idempotency key, because Stripe replays the failure that it stored under the old one. Simultaneous calls change it once. */
  async raiseAttempt(id: string, step: TrialStep, from: number, now: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, [`attempts.${step}`]: from },
      { $set: { [`attempts.${step}`]: from + 1, attemptedAt: now } },
    );
  }

  /** Records a sign-in with the address. A sign-in through a link of the trial redeems the trial. */
  async recordSignIn(identifierValue: string, trialId: string | null, now: string): Promise<void> {
    await this.#collection.updateOne({ identifierValue, redeemedAt: null }, [
      {
        $set: {
          signedInAt: { $ifNull: ["$signedInAt", now] },
          redeemedAt: { $cond: [{ $eq: ["$_id", trialId] }, now, null] },
        },
      },
    ]);
  }

  find(id: string): Promise<Trial | null> {
    return this.#collection.findOne({ _id: id });
  }

  /** Finds the trial for which Nest created a subscription. Stripe's metadata names it. */
  findOf({ trialId, userId }: Pick<Subscription, "trialId" | "userId">): Promise<Trial | null> {
    return trialId === null ? Promise.resolve(null) : this.#collection.findOne({ _id: trialId, userId });
  }

  /**
   * Records that a trial granted access for the first time. One of any simultaneous calls gets the trial.
   * @param use.endsAt the end of the trial from now on
   * @param use.pendingEndsAt the same if Stripe must still be told, else null
   * @returns null if the trial was used before, or names another subscription
   */
  markUsed(
    id: string,
    stpSubscriptionId: string,
    use: { endsAt: string; pendingEndsAt: string | null },
    now: string,
  ): Promise<Trial | null> {
    return this.#collection.findOneAndUpdate(
      // A process can die before it records the subscription that it created: then the trial names none.
      { _id: id, usedAt: null, stpSubscriptionId: { $in: [null, stpSubscriptionId] } },
      {
        $set: {
          ...{ usedAt: now, signedInAt: now, updatedAt: now, stpSubscriptionId, ...use },
          ...{ attemptedAt: now, "attempts.extension": 1 },
        },
      },
      { returnDocument: "after" },
    );
  }

  /** Records that Stripe has the pending end, or never will. Nothing changes if another end is pending by now. */
  async settleEnd(id: string, pendingEndsAt: string): Promise<void> {
    await this.#collection.updateOne({ _id: id, pendingEndsAt }, { $set: { pendingEndsAt: null } });
  }

  listByUser(userId: string): Promise<Trial[]> {
    return this.#collection.find({ userId }).sort({ createdAt: 1, _id: 1 }).toArray();
  }

  /** Removes a trial, so that its address and devices can have another. @returns false if it does not exist */
  async remove(id: string): Promise<boolean> {
    return (await this.#collection.deleteOne({ _id: id })).deletedCount === 1;
  }
}
