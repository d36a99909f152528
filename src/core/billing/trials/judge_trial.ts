import { findUsable, isOwing } from "#core/billing/subscriptions/subscription.ts";
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
 * Judges whether an address and a device may have a trial (contract 1.3).
 * @param facts as read; reads are not atomic, so the facts may be from different moments
 */
export function judgeTrial(facts: TrialFacts, now: Date): TrialJudgement {
  const { own, hasHadTrial, isMachineTaken } = facts;
  const isOpen = own !== null && own.redeemedAt === null;
  const others = facts.subscriptions.filter(
    (subscription) => !isOpen || !isUnpaidSubscriptionOf(own, subscription),
  );
  const usable = findUsable(others, now);
  if (usable || hasHadTrial || others.some(isOwing) || (own && !isOpen) || isMachineTaken) {
    // A trial in addition to a subscription with an unpaid invoice would replace it, and its payments would be
    // refunded.
    const code = usable || others.some(isOwing) ? "already_subscribed" : "trial_already_used";
    const isBeingStored = own === null && (hasHadTrial || (usable !== null && usable.trialId !== null));
    return { verdict: isBeingStored ? "stale" : "refuse", code };
  }
  return own ? { verdict: "join", trial: own } : { verdict: "grant" };
}

/**
 * Whether a subscription belongs to an open trial. It may have been stored since the trial was read. Once it is paid
 * for, it is a subscription like any other.
 */
function isUnpaidSubscriptionOf(trial: Trial, { trialId, status }: Subscription): boolean {
  return trialId === trial._id && status === "trialing";
}
