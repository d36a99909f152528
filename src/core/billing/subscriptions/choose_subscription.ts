import { bestOf, type Contender, excludes, rankOf } from "#core/billing/subscriptions/rank.ts";
import { hasEnded, isKnownStatus } from "#core/billing/subscriptions/stripe_state.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** The decisions so far about a user's subscriptions. */
export interface Contest {
  /** Stripe's id of the kept subscription, even if it has ended. */
  keptId: string | null;
  /** Stripe's ids of all subscriptions that were ever rejected. */
  rejectedIds: readonly string[];
  /** The kept subscription, unless it is the candidate, has ended or is for another product; then null. */
  rival: Contender | null;
  /**
   * The other renewing subscriptions of the user, with rejected subscriptions as they were at their rejection. The
   * events of some may not have arrived, and a purchase between two others changes their comparison.
   */
  others: readonly Contender[];
}

/** What to do with a candidate. */
export type Choice =
  /** Nothing competes with the candidate: it becomes, or stays, the kept subscription. */
  | { action: "keep" }
  /** The candidate takes the place of the kept subscription, which is rejected if it still competes. */
  | { action: "replace"; replacedId: string; isRivalRejected: boolean }
  /** The candidate is canceled. */
  | { action: "reject" }
  /** The candidate is not kept, and is not canceled either. */
  | { action: "leave" };

/**
 * Chooses between a candidate and the kept subscription of the same user (contract 1.7). The result does not depend on
 * the order in which the subscriptions are compared, and a rejected subscription is never chosen again.
 */
export function chooseSubscription(candidate: Contender, contest: Contest): Choice {
  const { keptId, rejectedIds, rival } = contest;
  if (keptId === candidate.id) return { action: "keep" };
  if (rejectedIds.includes(candidate.id)) return { action: "reject" };
  const bestId = rival ? idOfBest(candidate, rival, contest) : candidate.id;
  if (rival && bestId !== candidate.id) {
    // A third subscription wins against both. Its own event decides about both.
    const isDecided = bestId === rival.id && excludes(rival, candidate);
    return { action: isDecided ? "reject" : "leave" };
  }
  if (keptId === null) return { action: "keep" };
  return {
    action: "replace",
    replacedId: keptId,
    isRivalRejected: rival !== null && excludes(candidate, rival),
  };
}

/** The id of the subscription to keep: of the candidate, the rival and the other renewing subscriptions. */
function idOfBest(candidate: Contender, rival: Contender, { rejectedIds, others }: Contest): string {
  const isThird = ({ id }: Contender) => id !== candidate.id && id !== rival.id;
  const thirds = others.filter((other) => isThird(other) && rankOf(other) === "renewing");
  const best = bestOf([candidate, rival, ...thirds]).id;
  return rejectedIds.includes(best) ? bestOf([candidate, rival]).id : best;
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
