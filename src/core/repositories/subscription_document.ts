import type { Outbox } from "#core/repositories/outbox.ts";

export type CancelType = "immediate" | "period_end";

/** A dispute about a payment of a subscription. */
export interface Dispute {
  /** dp_… */
  id: string;
  /** Stripe's status. */
  status: string;
  createdAt: string;
}

/**
 * Mails about a subscription. Each is sent once. A reminder is marked with the end date that it announces; earlier releases
 * stored no date. `lateReturn-` is marked with the payment: it succeeded after the rejection, and was returned.
 */
export type SubscriptionMail =
  | "welcome"
  | "trialWillEnd"
  | `trialWillEnd-${string}`
  | "duplicate"
  | "replaced"
  | `lateReturn-${string}`;

/** Why a subscription was rejected, and its state at Stripe at that moment. Written once, with `rejectedAt`. */
export interface Rejection {
  /**
   * `duplicate`: created after the subscription that is kept. `replaced`: created before it (contract 1.7), or used before
   * the kept subscription was for one of our products.
   */
  kind: "duplicate" | "replaced";
  /** Stripe's id of the subscription that is kept instead; null if the kept subscription had ended. */
  keptId: string | null;
  /** Whether the customer of the kept subscription is the same, so that money can be credited to its balance. */
  isSameCustomer: boolean;
  /** Stripe's status. */
  status: string;
  /** Whether it was active and not scheduled to end. */
  wasRenewing: boolean;
  /** Whether Nest made the mapping of its customer. */
  isOwnCustomer: boolean;
  /** The prices of its items that are for our products, in one text. */
  prices: string;
  /** The current period, of the item of our products that ends last. */
  periodStartsAt: string;
  periodEndsAt: string;
  /**
   * Earlier payments of a duplicate are not returned: the kept subscription was not for one of our products then. Absent
   * if every payment is returned.
   */
  returnsPaymentsSince?: string;
  /**
   * When Nest decided to reject the subscription. Set only if the subscription ended after that and before it was marked
   * as rejected (`rejectedAt`). `status` is then the status at the decision, and the unused share of a later payment is
   * returned even if `status` is `past_due`.
   */
  decidedAt?: string;
}

/** Money of a rejected subscription that is refunded or credited. */
export interface MoneyReturn {
  /** Refunded to the payment method, or credited to the customer's balance at Stripe. */
  to: "payment_method" | "balance";
  /**
   * The payment (`pi_…`, `ch_…`). For the part that the customer's balance had paid: the customer (`cus_…`), or the invoice
   * (`in_…`) if it was paid after the rejection.
   */
  source: string;
  /** In the currency's smallest unit, as Stripe defines it. 0 if nothing of this payment is returned. */
  amount: number;
  /** Three letters, lower case. */
  currency: string;
  /** All of a duplicate's payments, or the unused share of a replaced subscription's current period. */
  reason: "duplicate" | "unused_time";
  /**
   * `planned`: not sent to Stripe yet, or without a response. `disputed`: a bank holds the payment; refunded if the
   * dispute is won. `pending`: Stripe's refund waits. `failed`: an operator must act.
   */
  status: "planned" | "disputed" | "pending" | "done" | "failed";
  plannedAt: string;
  /** Stripe's id of the refund (`re_…`) or of the balance transaction (`cbtxn_…`). */
  id: string | null;
  /** When Stripe accepted it. */
  returnedAt: string | null;
  /** Incremented when Stripe refuses the return. The next attempt then uses another idempotency key. */
  attempts: number;
  /** Set if the payment succeeded after the rejection. A separate mail tells its owner about the return. */
  isLate?: true;
  /** Stripe's code of the last refusal, or its reason why the refund failed later. */
  failure: string | null;
}

/** The fields that are read from Stripe's object each time it changes. */
export interface SubscriptionState {
  stpProductId: string;
  /** Set if the subscription was changed to a product that is not ours. It then grants nothing. */
  isOtherProduct: boolean;
  /** When it was changed to one of our products. Absent if it was created with one. Earlier releases did not store it. */
  oursSince?: string;
  /** Stripe's ids of the prices of its items for our products. Earlier releases did not store them. */
  stpPriceIds?: string[];
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
  /**
   * When the oldest open invoice of a `past_due` or never paid subscription was created, else null. Earlier releases did
   * not store it.
   */
  oldestOpenInvoiceAt?: string | null;
  /**
   * A `past_due` or never paid subscription stays usable until then, else null: `PAST_DUE_DAYS` after its oldest open
   * invoice.
   */
  pastDueUntil?: string | null;
  /**
   * When the first invoice of an `active` subscription was created that was never paid, such as by a bank debit that is
   * processing. Null once the subscription was paid; it stays when the payment fails. Earlier releases did not store it.
   */
  unpaidSince?: string | null;
  /** Stripe's `pause_collection.behavior`, or null while payments are collected. Earlier releases did not store it. */
  pausedCollection?: string | null;
  /** Set once the subscription had the status `incomplete`. Earlier releases did not store it. */
  wasIncomplete?: true;
  cancelAt: string | null;
  cancelType: CancelType | null;
  cancelledAt: string | null;
  /**
   * Whether Nest scheduled the end of a trial, because its customer has a card that nobody agreed to charge. Its owner did not
   * decide the end, so it moves at the first use. Earlier releases did not store it.
   */
  isEndScheduledByNest?: boolean;
}

/** A Stripe subscription of a user. */
export interface Subscription extends SubscriptionState, Outbox {
  /** sub_<ksuid> */
  _id: string;
  userId: string;
  stpSubscriptionId: string;
  createdAt: string;
  updatedAt: string | null;
  /** The trial it was created for, from Stripe's metadata. */
  trialId: string | null;
  /** When Stripe created it. The age decides between two subscriptions of the same rank, and whether a loser is a duplicate. */
  stpCreatedAt: string;
  /** Raised by each write of Stripe's state, so that an older reading can't overwrite a newer one. */
  version: number;
  /** Set if another subscription of the user is kept instead. It grants nothing. */
  rejectedAt: string | null;
  /** No mail is sent about the rejection: a trial yielded to a paid subscription. */
  isRejectedSilently: boolean;
  /** Absent for a subscription that an earlier release rejected: it refunded every payment. */
  rejection?: Rejection;
  /**
   * What a rejection refunds and credits, by `source`. Planned once, so that every retry returns the same amounts. Absent
   * until then, and for a subscription that an earlier release rejected.
   */
  returns?: Record<string, MoneyReturn>;
  /** When every return of a rejection was made, or recorded as failed with an alarm. */
  refundedAt: string | null;
  /**
   * When only this subscription first gave access to a person's status call, before it was paid. Absent until then, and in
   * earlier releases. An attempt to pay without it shares no time with later attempts.
   */
  unpaidUseAt?: string | null;
  /** Set once an invoice was found paid. Absent if that is unknown. */
  wasPaid?: true;
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
  /** The mail was due too late, so it is marked as sent although it was not. */
  isOmitted?: true;
}
