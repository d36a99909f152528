import type Stripe from "stripe";
import { hasEnded, isKnownStatus, LIVING_STATUSES } from "#core/billing/subscriptions/stripe_state.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** The facts of a subscription, which has not ended, on which the choice depends. */
export type Contender = Pick<Stripe.Subscription, "id" | "status" | "created">;

/** The decisions so far about a user's subscriptions. */
export interface Contest {
  /** Stripe's id of the kept subscription, even if it has ended. */
  keptId: string | null;
  /** Stripe's ids of all subscriptions that were ever rejected. */
  rejectedIds: readonly string[];
  /** The kept subscription, unless it is the candidate, has ended or is for another product; then null. */
  rival: Contender | null;
}

/** What to do with a candidate. */
export type Choice =
  /** Nothing competes with the candidate: it becomes, or stays, the kept subscription. */
  | { action: "keep" }
  /** The candidate takes the place of the kept subscription, which is rejected if it still competes. */
  | { action: "replace"; replacedId: string; isRivalRejected: boolean }
  /** The candidate is canceled and refunded. */
  | { action: "reject" }
  /** The candidate is not kept, and is not canceled either. */
  | { action: "leave" };

/**
 * Chooses between a candidate and the kept subscription of the same user (contract 1.3). The result does not depend on
 * the order in which the two are compared, and a rejected subscription is never chosen again.
 */
export function chooseSubscription(candidate: Contender, { keptId, rejectedIds, rival }: Contest): Choice {
  if (keptId === candidate.id) return { action: "keep" };
  if (rejectedIds.includes(candidate.id)) return { action: "reject" };
  if (rival && !isBetter(candidate, rival))
    return { action: excludes(rival, candidate) ? "reject" : "leave" };
  if (keptId === null) return { action: "keep" };
  return {
    action: "replace",
    replacedId: keptId,
    isRivalRejected: rival !== null && excludes(candidate, rival),
  };
}

/**
 * Whether a stored subscription must be compared with the others, or its rejection completed, unless it is the kept one. An
 * `incomplete` subscription and one in an unknown status may stay beside the kept one, so they are decided only by their
 * own events.
 */
export function isUndecided(record: Pick<Subscription, "status" | "isOtherProduct" | "refundedAt">): boolean {
  const { status, isOtherProduct, refundedAt } = record;
  const mayStay = status === "incomplete" || !isKnownStatus(status);
  return !mayStay && !hasEnded(status) && !isOtherProduct && refundedAt === null;
}

/**
 * Whether the first of two subscriptions is the better one: by status, then the older one, then the smaller id. Neither
 * has ended.
 */
export function isBetter(one: Contender, other: Contender): boolean {
  const rank = ({ status }: Contender) => {
    const place = (LIVING_STATUSES as readonly string[]).indexOf(status);
    return place < 0 ? LIVING_STATUSES.length : place;
  };
  const order = [rank(one) - rank(other), one.created - other.created, one.id < other.id ? -1 : 1];
  return (order.find((difference) => difference !== 0) ?? 0) < 0;
}

/**
 * Whether the better of two subscriptions makes the other superfluous. An `incomplete` subscription belongs to a person
 * who is in the middle of paying, and may become the better one: only an `active` subscription excludes it. A
 * subscription in an unknown status is never excluded.
 */
function excludes(better: Contender, other: Contender): boolean {
  if (other.status === "incomplete") return better.status === "active";
  return isKnownStatus(other.status);
}
