import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { findUsable, hasPaymentDue, isUsable } from "#core/billing/subscriptions/subscription.ts";
import { isUsed } from "#core/billing/trials/used.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { Trial } from "#core/repositories/trials.ts";

/** Trials that concern an email address or a device. */
export interface FoundTrials {
  /** The active identifier of the address. */
  identifier: Identifier | null;
  /** The trial of the address. */
  own: Trial | null;
  /** Whether the trial of another address has the device. */
  isMachineTaken: boolean;
}

/** All facts that decide about a trial. */
export interface TrialFacts extends FoundTrials {
  /** All subscriptions of the address's user, including ended ones. */
  subscriptions: readonly Subscription[];
  /** Whether the address's user had a trial under another address. */
  hasHadTrial: boolean;
}

export type TrialRefusal = "already_subscribed" | "trial_already_used";

export type TrialJudgement =
  /** A new trial may be claimed. */
  | { verdict: "grant" }
  /** The address has an open trial, which the device may join. */
  | { verdict: "join"; trial: Trial }
  | { verdict: "refuse"; code: TrialRefusal }
  /**
   * The facts contradict each other, because a concurrent request is storing the trial. They must be read again;
   * `code` is the refusal if the contradiction remains.
   */
  | { verdict: "stale"; code: TrialRefusal };

/**
 * Judges whether an address and a device may have a trial (contract 1.3, 1.7).
 * @param facts as read; reads are not atomic, so the facts may be from different moments
 */
export function judgeTrial(facts: TrialFacts, now: Date): TrialJudgement {
  const { own, hasHadTrial, isMachineTaken } = facts;
  const mayJoin = own !== null && mayStart(own, facts.subscriptions, now);
  const others = facts.subscriptions.filter(
    (subscription) => !mayJoin || !isUnpaidSubscriptionOf(own, subscription),
  );
  const usable = findUsable(others, now);
  if (usable || hasHadTrial || others.some(hasPaymentDue) || (own && !mayJoin) || isMachineTaken) {
    // A trial in addition to a subscription with an unpaid invoice would replace it, and its payments would be
    // refunded.
    const code = usable || others.some(hasPaymentDue) ? "already_subscribed" : "trial_already_used";
    const isBeingStored = own === null && (hasHadTrial || (usable !== null && usable.trialId !== null));
    return { verdict: isBeingStored ? "stale" : "refuse", code };
  }
  return own ? { verdict: "join", trial: own } : { verdict: "grant" };
}

/**
 * Whether a trial can still start: it is open, a purchase displaced it, or it ended before it granted anybody access.
 */
function mayStart(trial: Trial, subscriptions: readonly Subscription[], now: Date): boolean {
  const hasGranted = isUsed(trial) || trial.grantedAt != null;
  const isOpen = !isUsed(trial) && trial.redeemedAt === null;
  if (isPastEnd(trial, now) ? !hasGranted : isOpen) return true;
  return isDisplaced(trial, subscriptions, now);
}

/**
 * Whether a purchase displaced a trial and ended before the trial would have, or Stripe ended a used trial before Nest
 * could move its end there. The trial may then start again until its end. A trial that its owner canceled has no rejected
 * subscription and no pending end (contract 1.7).
 * @param subscriptions all subscriptions of the trial's user
 */
function isDisplaced(trial: Trial, subscriptions: readonly Subscription[], now: Date): boolean {
  if (isPastEnd(trial, now)) return false;
  // The trial started again, and its subscription is not created yet.
  if (trial.stpSubscriptionId === null) return true;
  const find = (id: string | null | undefined) =>
    subscriptions.find(({ stpSubscriptionId }) => stpSubscriptionId === id);
  const displaced = find(trial.stpSubscriptionId);
  if (!displaced) return false;
  if (displaced.rejectedAt === null) return trial.pendingEndsAt != null && hasEnded(displaced.status);
  const purchase = find(displaced.rejection?.keptId);
  return purchase ? purchase.trialId === null && hasEnded(purchase.status) : displaced.isRejectedSilently;
}

/** Subscriptions whose record may be outdated: by the record, they have not ended and grant no access. */
export function listStale({ own, subscriptions }: TrialFacts, now: Date): Subscription[] {
  return subscriptions.filter((subscription) => {
    const { status, rejectedAt, isOtherProduct } = subscription;
    if (hasEnded(status) || rejectedAt !== null || isOtherProduct || isUsable(subscription, now))
      return false;
    return own === null || !isUnpaidSubscriptionOf(own, subscription) || isPastEnd(subscription, now);
  });
}

/** Whether the end of a trial or a subscription has passed, by its record. */
export function isPastEnd({ endsAt }: { endsAt: string | null }, now: Date): boolean {
  return endsAt !== null && endsAt <= now.toISOString();
}

/**
 * Whether a subscription belongs to a trial and was not paid for. It may have been stored since the trial was read. Once
 * it is paid for, it is a subscription like any other.
 */
function isUnpaidSubscriptionOf(trial: Trial, { trialId, status }: Subscription): boolean {
  return trialId === trial._id && status === "trialing";
}
