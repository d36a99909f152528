export type CancelType = "immediate" | "period_end";

/** A dispute about a payment of a subscription. */
export interface Dispute {
  /** dp_… */
  id: string;
  /** Stripe's status. */
  status: string;
  createdAt: string;
}

/** Mails about a subscription. Each is sent once. */
export type SubscriptionMail = "welcome" | "trialWillEnd" | "duplicate";

/** The fields that are read from Stripe's object each time it changes. */
export interface SubscriptionState {
  stpProductId: string;
  /** Set if the subscription was changed to a product that is not ours. It then grants nothing. */
  isOtherProduct: boolean;
  stpCustomerId: string;
  /** Stripe's status. */
  status: string;
  startsAt: string;
  /**
   * The end itself, else the earlier of the scheduled end and the end of the period of our products' items. Access can end
   * at another time: `endOfAccess` decides.
   */
  endsAt: string;
  /**
   * End of the last paid period. Set while the period that Stripe shows is not paid for, else null. Earlier releases did
   * not store it.
   */
  paidUntil?: string | null;
  /** When the oldest open invoice of a `past_due` subscription was created, else null. Earlier releases did not store it. */
  oldestOpenInvoiceAt?: string | null;
  /** A `past_due` subscription stays usable until then, else null: `PAST_DUE_DAYS` after its oldest open invoice. */
  pastDueUntil?: string | null;
  /** Stripe's `pause_collection.behavior`, or null while payments are collected. Earlier releases did not store it. */
  pausedCollection?: string | null;
  /** Set once the subscription had the status `incomplete`. Earlier releases did not store it. */
  wasIncomplete?: true;
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
  /** The trial it was created for, from Stripe's metadata. */
  trialId: string | null;
  /** When Stripe created it. Of two subscriptions in the same status the older one is kept. */
  stpCreatedAt: string;
  /** Raised by each write of Stripe's state, so that an older reading can't overwrite a newer one. */
  version: number;
  /** Set if another subscription of the user is kept instead. It grants nothing. */
  rejectedAt: string | null;
  /** No mail is sent about the rejection: a trial yielded to a paid subscription. */
  isRejectedSilently: boolean;
  /** When every payment of a rejected subscription was refunded. */
  refundedAt: string | null;
  /** When the first dispute was opened. */
  disputedAt: string | null;
  /** Stripe's status of the newest dispute that is still open, else of the newest dispute. */
  disputeStatus: string | null;
  /** Every dispute, the oldest first. */
  disputes: Dispute[];
  mails: Partial<Record<SubscriptionMail, MailMark>>;
  /** Stripe's fingerprints of its cards. Filled only if a policy for the cards of trials is configured. */
  cardFingerprints: string[];
  /** When the card of a trial turned out to be a card that another user used before. */
  cardSeenBeforeAt: string | null;
}

/** The sending of a mail. */
export interface MailMark {
  claimedAt: string;
  sentAt: string | null;
}
