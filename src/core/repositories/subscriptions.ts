import type { Collection, Db, IndexDescription } from "mongodb";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

export type CancelType = "immediate" | "period_end";
/** A bank's objection to a payment of a subscription. */
export interface Dispute {
  /** dp_… */
  id: string;
  /** Stripe's word. */
  status: string;
  createdAt: string;
}
/** Mails that a subscription gives rise to, each sent once. */
export type SubscriptionMail = "welcome" | "trialWillEnd" | "duplicate";

/** What is read of Stripe's object each time it changes. */
export interface SubscriptionState {
  stpProductId: string;
  /** It was changed to a product that is none of ours; it grants nothing. */
  isOtherProduct: boolean;
  stpCustomerId: string;
  /** Stripe's word. */
  status: string;
  startsAt: string;
  /** When access ends: the end itself, the scheduled one, or the period's. */
  endsAt: string;
  cancelAt: string | null;
  cancelType: CancelType | null;
  cancelledAt: string | null;
}

/** A Stripe subscription of a user. */
export interface Subscription extends SubscriptionState {
  /** sub_<ksuid> */
  _id: string;
  userId: string;
  stpSubscriptionId: string;
  createdAt: string;
  updatedAt: string | null;
  /** The trial it was made for, as Stripe's metadata says. */
  trialId: string | null;
  /** When Stripe made it: the older of two is kept. */
  stpCreatedAt: string;
  /** Raised by each write of Stripe's state, so that an older reading can't overwrite a newer one. */
  version: number;
  /** Set where another subscription of the user was kept instead; it grants nothing. */
  rejectedAt: string | null;
  /** Nobody is told: a trial that yielded to a paid subscription. */
  isRejectedSilently: boolean;
  /** When a rejected one's payments had all been given back. */
  refundedAt: string | null;
  /** When the first dispute was opened. */
  disputedAt: string | null;
  /** Stripe's word for the newest dispute that leaves a doubt, else for the newest. */
  disputeStatus: string | null;
  /** All of them, oldest first. */
  disputes: Dispute[];
  mails: Partial<Record<SubscriptionMail, MailMark>>;
  /** Stripe's fingerprints of the cards it came with; only where a policy for trials' cards is configured. */
  cardFingerprints: string[];
  /** When a trial's card was found to be one that somebody else used before. */
  cardSeenBeforeAt: string | null;
}

/** Who sends a mail, and whether it went out. */
export interface MailMark {
  claimedAt: string;
  sentAt: string | null;
}

const subscriptionIndexes: IndexDescription[] = [
  { key: { stpSubscriptionId: 1 }, unique: true },
  { key: { userId: 1 } },
  { key: { stpCustomerId: 1 } },
  { key: { cardFingerprints: 1 } },
];

export class SubscriptionRepository {
  static readonly collectionName = "subscriptions";
  static readonly indexes = subscriptionIndexes;
  static readonly personalData: PersonalData<Subscription> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["version", "mails"],
  };
  readonly #collection: Collection<Subscription>;
  constructor(database: Db) {
    this.#collection = database.collection(SubscriptionRepository.collectionName);
  }

  findByStripeId(stpSubscriptionId: string): Promise<Subscription | null> {
    return this.#collection.findOne({ stpSubscriptionId });
  }

  /** Everybody's, for the operator's walk. */
  all(): AsyncIterable<Subscription> {
    return this.#collection.find();
  }

  /** All of a user's, ended ones included. */
  listByUser(userId: string): Promise<Subscription[]> {
    return this.#collection.find({ userId }).toArray();
  }

  /** Those of a Stripe customer that were rejected. */
  listRejected(stpCustomerId: string): Promise<Subscription[]> {
    return this.#collection.find({ stpCustomerId, rejectedAt: { $ne: null } }).toArray();
  }

  /** @returns whether it was new; one that is there stays as it was */
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
   * Writes what was read of Stripe after `version` was read. Of two readings that overlap the second to write gets null
   * and must read again, so the newest state wins.
   */
  advance(
    stpSubscriptionId: string,
    version: number,
    state: SubscriptionState | Pick<Subscription, "disputes" | "disputedAt" | "disputeStatus">,
    now: string,
  ): Promise<Subscription | null> {
    return this.#collection.findOneAndUpdate(
      { stpSubscriptionId, version },
      { $set: { ...state, updatedAt: now }, $inc: { version: 1 } },
      { returnDocument: "after" },
    );
  }

  /** Gives it to another user, unless somebody was faster. */
  async assign(stpSubscriptionId: string, from: string, to: string): Promise<void> {
    await this.#collection.updateOne({ stpSubscriptionId, userId: from }, { $set: { userId: to } });
  }

  /** Marks it as not the one that is kept; the first time stays. @returns it as it is now, or null if we have none */
  async reject(stpSubscriptionId: string, isSilent: boolean, now: string): Promise<Subscription | null> {
    await this.#collection.updateOne(
      { stpSubscriptionId, rejectedAt: null },
      { $set: { rejectedAt: now, isRejectedSilently: isSilent, updatedAt: now } },
    );
    return this.findByStripeId(stpSubscriptionId);
  }

  async recordRefund(stpSubscriptionId: string, now: string): Promise<void> {
    await this.#collection.updateOne({ stpSubscriptionId }, { $set: { refundedAt: now } });
  }

  async rememberCards(stpSubscriptionId: string, fingerprints: readonly string[]): Promise<void> {
    await this.#collection.updateOne(
      { stpSubscriptionId },
      { $addToSet: { cardFingerprints: { $each: [...fingerprints] } } },
    );
  }

  /** Everybody's that came with one of these cards. */
  listByCards(fingerprints: readonly string[]): Promise<Subscription[]> {
    return this.#collection.find({ cardFingerprints: { $in: [...fingerprints] } }).toArray();
  }

  /** @returns whether it was the first time */
  async recordCardSeenBefore(stpSubscriptionId: string, now: string): Promise<boolean> {
    const result = await this.#collection.updateOne(
      { stpSubscriptionId, cardSeenBeforeAt: null },
      { $set: { cardSeenBeforeAt: now } },
    );
    return result.modifiedCount === 1;
  }

  /** Those of a user that were rejected since a moment, and not silently: one of them may have had a mail of another's. */
  listRejectedSince(userId: string, since: string): Promise<Subscription[]> {
    return this.#collection
      .find({ userId, rejectedAt: { $gte: since }, isRejectedSilently: false })
      .toArray();
  }

  /**
   * Takes on the sending of a mail. Of any number of simultaneous calls one gets true; nobody does for the welcome of one
   * that was rejected.
   * @param lapsedBefore a claim from before this moment has died with its process
   */
  async claimMail(
    stpSubscriptionId: string,
    mail: SubscriptionMail,
    now: string,
    lapsedBefore: string,
  ): Promise<boolean> {
    const mark = `mails.${mail}`;
    const result = await this.#collection.updateOne(
      {
        stpSubscriptionId,
        ...(mail === "welcome" ? { rejectedAt: null } : {}),
        $or: [
          { [mark]: { $exists: false } },
          { [`${mark}.sentAt`]: null, [`${mark}.claimedAt`]: { $lt: lapsedBefore } },
        ],
      },
      { $set: { [mark]: { claimedAt: now, sentAt: null } } },
    );
    return result.modifiedCount === 1;
  }

  async recordMail(stpSubscriptionId: string, mail: SubscriptionMail, now: string): Promise<void> {
    await this.#collection.updateOne({ stpSubscriptionId }, { $set: { [`mails.${mail}.sentAt`]: now } });
  }

  /** Gives a claim back after the mail could not be sent. */
  async releaseMail(stpSubscriptionId: string, mail: SubscriptionMail): Promise<void> {
    await this.#collection.updateOne(
      { stpSubscriptionId, [`mails.${mail}.sentAt`]: null },
      { $unset: { [`mails.${mail}`]: "" } },
    );
  }
}
