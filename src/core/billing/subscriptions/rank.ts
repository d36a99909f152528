import type Stripe from "stripe";
import { isKnownStatus } from "#core/billing/subscriptions/stripe_state.ts";

/** The facts of a subscription, which has not ended, on which the choice depends. */
export interface Contender extends Pick<Stripe.Subscription, "id" | "status" | "created"> {
  /** Its end is scheduled, by `cancel_at_period_end` or `cancel_at`. */
  isEnding: boolean;
  /** An invoice of it was ever paid. Read only for a trial, if a payment is due, or if it `grantsNothing`; else false. */
  wasPaid: boolean;
  /** It is active, but was never paid, and its first invoice is open: a bank debit is processing. */
  isPending?: boolean;
  /**
   * It is active, but grants no access anymore, not even by the grace period: its collection is paused, or its last invoice
   * was voided or marked uncollectible.
   */
  grantsNothing?: boolean;
  /** It is a trial of Nest that nobody used, and none of its links was redeemed. */
  isUnclaimedTrial?: boolean;
  /** The prices of its items that are for our products, in one text. */
  prices: string;
  /** Stripe's id of its customer. */
  customer: string;
  /**
   * Whether Nest made the mapping of its customer, or its user bought it through Nest's checkout. Another customer that was matched by its
   * email address is not its user's own, however often it buys.
   */
  isOwnCustomer: boolean;
}

/** Groups of subscriptions, best first (contract 1.7). */
const RANKS = [
  "renewing",
  "ending",
  "past_due_paid",
  // Before `trialing`, since a trial never replaces a subscription that was ever paid.
  "owing_paid",
  "trialing",
  // A stranger can claim a trial for any address, so it never wins against a trial that a person bought.
  "unclaimed_trial",
  "owing_never_paid",
  // Its first payment is being made. It replaces no other subscription until it is paid.
  "incomplete",
  "unknown",
] as const;

/**
 * The group of a subscription in the order of contract 1.7. An active subscription that grants no access anymore ranks as
 * past due. Otherwise its owner could not buy again.
 */
export function rankOf(contender: Contender): (typeof RANKS)[number] {
  const { status, isEnding, wasPaid, isPending, grantsNothing, isUnclaimedTrial } = contender;
  if (!isKnownStatus(status)) return "unknown";
  switch (status) {
    case "active":
      if (isPending) return "incomplete";
      if (grantsNothing) break;
      return isEnding ? "ending" : "renewing";
    case "trialing":
      return isUnclaimedTrial ? "unclaimed_trial" : "trialing";
    case "incomplete":
      return "incomplete";
    case "past_due":
      break;
    default:
      return wasPaid ? "owing_paid" : "owing_never_paid";
  }
  return wasPaid ? "past_due_paid" : "owing_never_paid";
}

/** Whether Stripe created the first subscription before the second. The smaller id decides between equal times. */
export function isOlder(
  one: Pick<Contender, "id" | "created">,
  other: Pick<Contender, "id" | "created">,
): boolean {
  return one.created === other.created ? one.id < other.id : one.created < other.created;
}

/**
 * Whether a later purchase is a change of plan, rather than a duplicate: another price, bought by the customer of the
 * older subscription or by a customer that Nest made for the user.
 */
function isPlanChange(older: Contender, newer: Contender): boolean {
  const isByUser = newer.customer === older.customer || newer.isOwnCustomer;
  return newer.prices !== older.prices && isByUser;
}

/**
 * The subscription to keep, by contract 1.7: the best rank. Several renewing subscriptions are compared in the order of
 * their creation, each with the one kept so far. In every other rank, the oldest subscription is kept. The order of the
 * list does not matter.
 * @throws TypeError if the list is empty
 */
export function bestOf(contenders: readonly Contender[]): Contender {
  const places = contenders.map((contender) => RANKS.indexOf(rankOf(contender)));
  const first = Math.min(...places);
  return contenders
    .filter((_contender, index) => places[index] === first)
    .toSorted((one, other) => (isOlder(one, other) ? -1 : 1))
    .reduce((kept, next) => (rankOf(next) === "renewing" && isPlanChange(kept, next) ? next : kept));
}

/**
 * Whether the better of two subscriptions makes the other superfluous. A subscription in an unknown status is never
 * excluded. An `incomplete` or pending subscription belongs to a person who is in the middle of paying: only an active and
 * paid subscription excludes it, and only if the subscription would not be kept when it is paid. An older subscription is
 * excluded too, because its owner bought again and paid. It stays if it is pending and only the address matches the
 * purchase, which may be a stranger's.
 */
export function excludes(better: Contender, other: Contender): boolean {
  const rank = rankOf(other);
  if (rank !== "incomplete") return rank !== "unknown";
  if (better.status !== "active" || better.isPending || better.grantsNothing) return false;
  const paid: Contender = { ...other, status: "active", isPending: false, grantsNothing: false };
  const isByUser = better.customer === other.customer || better.isOwnCustomer;
  const isFollowed = isOlder(other, better) && (isByUser || !other.isPending);
  return isFollowed || bestOf([better, paid]).id === better.id;
}
