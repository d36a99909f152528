import type { Collection, Db, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { OUTBOX_INDEX, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import type { Rejection, Subscription, SubscriptionState } from "#core/repositories/subscription_document.ts";
import { SubscriptionMails } from "#core/repositories/subscription_mails.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

export type {
  CancelType,
  Dispute,
  MailMark,
  MoneyReturn,
  Rejection,
  Subscription,
  SubscriptionMail,
  SubscriptionState,
} from "#core/repositories/subscription_document.ts";

const subscriptionIndexes: IndexDescription[] = [
  { key: { stpSubscriptionId: 1 }, unique: true },
  { key: { userId: 1 } },
  { key: { stpCustomerId: 1 } },
  { key: { cardFingerprints: 1 } },
  OUTBOX_INDEX,
];

/** Compares subscriptions by their creation at Stripe, the oldest first. The smaller id decides between equal times. */
export function byCreation(one: Subscription, other: Subscription): number {
  const ageOf = ({ stpCreatedAt, stpSubscriptionId }: Subscription) => `${stpCreatedAt} ${stpSubscriptionId}`;
  return ageOf(one) < ageOf(other) ? -1 : 1;
}

export class SubscriptionRepository extends SubscriptionMails {
  static readonly collectionName = "subscriptions";
  static readonly indexes = subscriptionIndexes;
  static readonly personalData: PersonalData<Subscription> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["version", "mails"],
  };
  readonly #collection: Collection<Subscription>;
  readonly #reads: CombinedReads<Subscription>;
  constructor(database: Db) {
    const collection = database.collection<Subscription>(SubscriptionRepository.collectionName);
    super(collection);
    this.#collection = collection;
    this.#reads = new CombinedReads(database, SubscriptionRepository.collectionName);
  }

  findByStripeId(stpSubscriptionId: string): Promise<Subscription | null> {
    return this.#collection.findOne({ stpSubscriptionId });
  }

  /** Every subscription, for the operator's comparison with Stripe. */
  all(): AsyncIterable<Subscription> {
    return this.#collection.find();
  }

  /** Lists all subscriptions of a user, ended subscriptions included, in the order of their creation at Stripe. */
  async listByUser(userId: string): Promise<Subscription[]> {
    return (await this.#reads.findAll({ userId })).sort(byCreation);
  }

  /** Lists all subscriptions of a Stripe customer, ended subscriptions included. */
  listByCustomer(stpCustomerId: string): Promise<Subscription[]> {
    return this.#collection.find({ stpCustomerId }).toArray();
  }

  /** Deletes the records of a trial's subscriptions, which ended. */
  async deleteOfTrial(userId: string, trialId: string): Promise<void> {
    await this.#collection.deleteMany({ userId, trialId });
  }

  /** Stores a subscription. @returns false if it is stored already */
  async insert(subscription: Subscription): Promise<boolean> {
    try {
      await this.#collection.insertOne(subscription);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /**
   * Writes Stripe's state, which was read after this version of the document. The second of two overlapping calls gets
   * null and must read again, so that the newest state is kept. It stores `events` too.
   */
  advance(
    { stpSubscriptionId, version }: Pick<Subscription, "stpSubscriptionId" | "version">,
    state: SubscriptionState | Pick<Subscription, "disputes" | "disputedAt" | "disputeStatus">,
    now: string,
    events: readonly StoredEvent[],
  ): Promise<Subscription | null> {
    const { push, set } = pushed(events);
    const $push = events.length === 0 ? {} : { $push: push };
    return this.#collection.findOneAndUpdate(
      { stpSubscriptionId, version },
      { $set: { ...state, updatedAt: now, ...set }, $inc: { version: 1 }, ...$push },
      { returnDocument: "after" },
    );
  }

  /**
   * Moves the end of a trial that has not ended and whose owner did not schedule its end. A concurrent `advance` must read
   * again.
   */
  async extendTrial(
    { stpSubscriptionId, isEndScheduledByNest, cancelAt }: Subscription,
    endsAt: string,
    now: string,
  ): Promise<void> {
    const schedule = isEndScheduledByNest === true ? { isEndScheduledByNest } : { cancelType: null };
    await this.#collection.updateOne(
      {
        ...{ stpSubscriptionId, status: "trialing", rejectedAt: null, ...schedule },
        endsAt: { $lt: endsAt },
      },
      {
        $set: { endsAt, updatedAt: now, ...(cancelAt === null ? {} : { cancelAt: endsAt }) },
        $inc: { version: 1 },
      },
    );
  }

  /** Moves a subscription from one user to another, unless it was moved before. */
  async assign(stpSubscriptionId: string, from: string, to: string): Promise<void> {
    await this.#collection.updateOne({ stpSubscriptionId, userId: from }, { $set: { userId: to } });
  }

  /**
   * Marks a subscription as rejected, unless it is already: the first reason and time stay.
   * @param isSilent whether no mail is sent about it
   * @returns the subscription as it is now, or null
   */
  async reject(
    stpSubscriptionId: string,
    rejection: Rejection,
    isSilent: boolean,
    now: string,
  ): Promise<Subscription | null> {
    await this.#collection.updateOne(
      { stpSubscriptionId, rejectedAt: null },
      { $set: { rejectedAt: now, isRejectedSilently: isSilent, rejection, updatedAt: now } },
    );
    return this.findByStripeId(stpSubscriptionId);
  }

  async recordRefund(stpSubscriptionId: string, now: string): Promise<void> {
    await this.#collection.updateOne({ stpSubscriptionId }, { $set: { refundedAt: now } });
  }

  /** Records that an invoice of the subscription was paid, which stays true. */
  async recordPaid(stpSubscriptionId: string): Promise<void> {
    await this.#collection.updateOne({ stpSubscriptionId }, { $set: { wasPaid: true } });
  }

  /** Records that the first payment of an ended subscription succeeded after its end: it is no unpaid attempt. */
  async recordPaidAfterEnd(stpSubscriptionId: string): Promise<void> {
    await this.#collection.updateOne({ stpSubscriptionId }, { $set: { wasPaid: true, unpaidSince: null } });
  }

  /** Records that an attempt to pay granted access, unless that is recorded. */
  async recordUnpaidUse(stpSubscriptionId: string, now: string): Promise<void> {
    await this.#collection.updateOne(
      { stpSubscriptionId, unpaidUseAt: null },
      { $set: { unpaidUseAt: now } },
    );
  }

  async rememberCards(stpSubscriptionId: string, fingerprints: readonly string[]): Promise<void> {
    await this.#collection.updateOne(
      { stpSubscriptionId },
      { $addToSet: { cardFingerprints: { $each: [...fingerprints] } } },
    );
  }

  /** Lists the subscriptions of all users that have one of these cards. */
  listByCards(fingerprints: readonly string[]): Promise<Subscription[]> {
    return this.#collection.find({ cardFingerprints: { $in: [...fingerprints] } }).toArray();
  }

  /** Records that another user used the card before. @returns false if it is recorded already */
  async recordCardSeenBefore(stpSubscriptionId: string, now: string): Promise<boolean> {
    const result = await this.#collection.updateOne(
      { stpSubscriptionId, cardSeenBeforeAt: null },
      { $set: { cardSeenBeforeAt: now } },
    );
    return result.modifiedCount === 1;
  }

  /** Lists a user's subscriptions that were rejected since a time, and not silently. One may have sent the welcome mail. */
  listRejectedSince(userId: string, since: string): Promise<Subscription[]> {
    return this.#collection
      .find({ userId, rejectedAt: { $gte: since }, isRejectedSilently: false })
      .toArray();
  }
}
