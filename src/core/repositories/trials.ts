import type { Collection, Db, IndexDescription } from "mongodb";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** The two calls to Stripe that make a trial. */
export type TrialStep = "customer" | "subscription";

/** A trial: at most one for an address, a machine's fingerprint and a `beak_id`. */
export interface Trial {
  /** trial_<ksuid> */
  _id: string;
  userId: string;
  stpProductId: string | null;
  stpSubscriptionId: string | null;
  stpCustomerId: string | null;
  startsAt: string | null;
  endsAt: string | null;
  /** The machine that asked first. */
  device: { beakId: string; fingerprint: string };
  createdAt: string;
  updatedAt: string | null;
  /** Normalised, as in `identifiers`. */
  identifierValue: string;
  /** Every machine that asked for it, each claimed by this trial alone. */
  beakIds: string[];
  fingerprints: string[];
  /** Part of Stripe's idempotency keys: raised when Stripe has stored a failure under the one before. */
  attempts: Record<TrialStep, number>;
  /** When the attempts in force began: Stripe forgets a key after a day. */
  attemptedAt: string;
  /** When a link of this trial was redeemed; until then it is open (contract 1.3). */
  redeemedAt: string | null;
  /** When the address was first signed in with any link since; if that was before a renewal, when it was renewed. */
  signedInAt: string | null;
}

const trialIndexes: IndexDescription[] = [
  // Documents of the predecessor have none of these three, and must not collide for that.
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

  /** Every trial that an address or a machine has a part in. */
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

  /** Whether a user has had a trial, under whatever address. */
  async isKnownUser(userId: string): Promise<boolean> {
    return (await this.#collection.findOne({ userId })) !== null;
  }

  /** Claims the trial. Of any number of simultaneous calls for one address or machine one gets true. */
  async claim(trial: Trial): Promise<boolean> {
    try {
      await this.#collection.insertOne(trial);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /** Adds a machine to an open trial. @returns false if the trial is no longer open or the machine is another's */
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

  /** The user turned out to be another: somebody signed the address in meanwhile. */
  async recordUser(id: string, userId: string, now: string): Promise<void> {
    await this.#collection.updateOne({ _id: id }, { $set: { userId, updatedAt: now } });
  }

  /**
   * Forgets a subscription that ended before anybody came for it, so that another is made. Whoever signed in since then
   * has that one from its beginning.
   * @param hadBefore who signed in before this moment had the trial, and gets no other
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

  /** Forgets a customer that Stripe no longer has. @returns null if the trial names another one, or none */
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

  /** The first to say so is believed: an answer that comes late may be about one that has ended since. */
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

  /** Leaves an idempotency key behind under which Stripe keeps a failure. Simultaneous calls raise it once. */
  async raiseAttempt(id: string, step: TrialStep, from: number, now: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, [`attempts.${step}`]: from },
      { $set: { [`attempts.${step}`]: from + 1, attemptedAt: now } },
    );
  }

  /** Records a sign-in of the address; one through a link of the trial ends its being open. */
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

  listByUser(userId: string): Promise<Trial[]> {
    return this.#collection.find({ userId }).sort({ createdAt: 1, _id: 1 }).toArray();
  }

  /** Gives an address and its machines their trial back. @returns whether there was one */
  async remove(id: string): Promise<boolean> {
    return (await this.#collection.deleteOne({ _id: id })).deletedCount === 1;
  }
}
