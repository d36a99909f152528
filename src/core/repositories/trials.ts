import type { Db, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { OUTBOX_INDEX, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import type { Subscription } from "#core/repositories/subscription_document.ts";
import { TrialClaims } from "#core/repositories/trial_claims.ts";
import type { Trial } from "#core/repositories/trial_document.ts";

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
  { key: { redeemedAt: 1, usedAt: 1, createdAt: 1 } },
  { key: { "removal.isPending": 1, "removal.triedAt": 1 } },
  { key: { "removal.userId": 1 } },
  { key: { "removal.identifierValue": 1 } },
  OUTBOX_INDEX,
  // A user with two addresses gets one trial too. Trials of earlier releases lack this field.
  {
    name: "oneTrialPerUser",
    key: { userId: 1 },
    unique: true,
    partialFilterExpression: { claimedAt: { $exists: true } },
  },
];

export class TrialRepository extends TrialClaims {
  static readonly collectionName = "trials";
  static readonly indexes = trialIndexes;
  static readonly personalData: PersonalData<Trial> = {
    field: "userId",
    refersTo: "userIds",
    also: [
      // An interrupted claim leaves an id that no user has.
      { field: "identifierValue", refersTo: "addresses" },
      { field: "removal.userId", refersTo: "userIds" },
      { field: "removal.identifierValue", refersTo: "addresses" },
    ],
    withheld: ["claimNetwork"],
    // The trial stays on record without its user, since each device gets one trial only.
    anonymize: (erasureId, now) => ({
      identifierValue: erasureId,
      userId: erasureId,
      stpCustomerId: null,
      stpSubscriptionId: null,
      updatedAt: now,
      // The job that removes trials must not continue the removal of an erased person.
      ...{ removal: undefined, claimNetwork: undefined },
      // They are in the audit log.
      ...{ events: undefined, eventsDueAt: undefined },
    }),
  };
  readonly #reads: CombinedReads<Trial>;
  constructor(database: Db) {
    super(database.collection(TrialRepository.collectionName));
    this.#reads = new CombinedReads(database, TrialRepository.collectionName);
  }

  /** Lists every trial of an address or of a device. */
  listConcerning(identifierValue: string, beakId: string, fingerprint: string): Promise<Trial[]> {
    return this.collection
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
    return this.#reads.findOne({ identifierValue });
  }

  /** Whether a user has had a trial, with any address. */
  async isKnownUser(userId: string): Promise<boolean> {
    return (await this.collection.findOne({ userId })) !== null;
  }

  /**
   * Records that a link of the trial was redeemed. Of simultaneous calls, one gets the trial.
   * @param identifierValue the address of the link
   * @returns the trial as it was before, with the network that claimed it; null if it was redeemed before
   */
  recordRedemption(id: string, identifierValue: string, now: string): Promise<Trial | null> {
    return this.collection.findOneAndUpdate(
      { _id: id, identifierValue, redeemedAt: null },
      { $set: { redeemedAt: now }, $unset: { claimNetwork: "" } },
      { returnDocument: "before" },
    );
  }

  find(id: string): Promise<Trial | null> {
    return this.collection.findOne({ _id: id });
  }

  /** Finds the trial for which Nest created a subscription. Stripe's metadata names it. */
  findOf({ trialId, userId }: Pick<Subscription, "trialId" | "userId">): Promise<Trial | null> {
    return trialId === null ? Promise.resolve(null) : this.collection.findOne({ _id: trialId, userId });
  }

  /**
   * Records that a trial granted access for the first time, with its events. Of simultaneous calls, one gets the trial.
   * @param seen the trial as it was read
   * @param use.stpSubscriptionId the subscription that grants access
   * @param use.endsAt the end of the trial from now on
   * @param use.pendingEndsAt the same end if Nest must still send it to Stripe, else null
   * @returns null if the trial was used before, or started again since it was read
   */
  markUsed(
    seen: Pick<Trial, "_id" | "stpSubscriptionId">,
    use: { stpSubscriptionId: string; endsAt: string; pendingEndsAt: string | null },
    now: string,
    events: readonly StoredEvent[],
  ): Promise<Trial | null> {
    const { push, set } = pushed(events);
    return this.collection.findOneAndUpdate(
      { _id: seen._id, usedAt: null, stpSubscriptionId: seen.stpSubscriptionId },
      {
        $set: {
          // A process can crash before it records the subscription that it created. Then the trial names no
          // subscription.
          ...{ usedAt: now, signedInAt: now, updatedAt: now, ...use },
          ...{ attemptedAt: now, "attempts.extension": 1, ...set },
        },
        $push: push,
      },
      { returnDocument: "after" },
    );
  }

  /** Records that a heartbeat reported a trial as usable. The first time stays. */
  async recordGrant(id: string, now: string): Promise<void> {
    await this.collection.updateOne({ _id: id, grantedAt: null }, { $set: { grantedAt: now } });
  }

  /**
   * Records that Stripe has the pending end, or refused it. Nothing changes if another end is pending by now.
   * @param endsAt the end that Stripe has
   */
  async settleEnd(id: string, pendingEndsAt: string, endsAt: string): Promise<void> {
    await this.collection.updateOne({ _id: id, pendingEndsAt }, { $set: { pendingEndsAt: null, endsAt } });
  }

  listByUser(userId: string): Promise<Trial[]> {
    return this.collection.find({ userId }).sort({ createdAt: 1, _id: 1 }).toArray();
  }

  /** Removes a trial that nobody used since it was read. @returns false if it was used or is gone */
  async removeUnused({ _id, userId }: Pick<Trial, "_id" | "userId">): Promise<boolean> {
    const unused = { usedAt: null, grantedAt: null };
    return (await this.collection.deleteOne({ _id, userId, ...unused })).deletedCount === 1;
  }

  /** Removes a trial, so that its address and devices can have another. @returns false if it does not exist */
  async remove(id: string): Promise<boolean> {
    return (await this.collection.deleteOne({ _id: id })).deletedCount === 1;
  }
}
