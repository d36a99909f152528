import { type PlanCore, planOf } from "#core/billing/plans/plans.ts";
import type { StagePlan } from "#core/billing/plans/stage_plans.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { findAccess, isUsable } from "#core/billing/subscriptions/subscription.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** Whether a person may buy a plan, or change to it. */
export type PurchaseJudgement =
  | { verdict: "allow" }
  /** A subscription of the plan is active and renews. */
  | { verdict: "already_subscribed" }
  /** A payment of this customer is due. */
  | { verdict: "payment_required"; customer: string };

/**
 * Judges whether a person may buy a plan (contract 1.7). A trial, another plan, and a subscription that is scheduled to end
 * or grants nothing anymore, does not prevent a purchase: the purchase replaces it.
 * @param all all subscriptions of the person, ended ones included
 */
export function judgePurchase(
  core: PlanCore,
  plan: StagePlan,
  all: readonly Subscription[],
  now: Date,
): PurchaseJudgement {
  const living = livingOf(all);
  const overdue = living.find(({ status }) => status === "past_due");
  if (overdue) return { verdict: "payment_required", customer: overdue.stpCustomerId };
  const renews = living.some(
    (one) =>
      one.status === "active" &&
      one.cancelAt === null &&
      one.cancelType === null &&
      isUsable(one, now) &&
      planOf(core, one)?.id === plan.id,
  );
  return { verdict: renews ? "already_subscribed" : "allow" };
}

/** The subscription whose plan a person can change, or why there is none. */
export type ChangeJudgement =
  | { verdict: "change"; subscription: Subscription }
  | { verdict: "payment_required"; customer: string }
  /** Only a trial, or nothing, grants access: the user has to enter a payment method in a checkout first. */
  | { verdict: "checkout_required" };

/**
 * Judges which subscription a change of plan changes.
 * @param all all subscriptions of the person, ended ones included
 */
export function judgeChange(all: readonly Subscription[], now: Date): ChangeJudgement {
  const living = livingOf(all);
  const overdue = living.find(({ status }) => status === "past_due" || status === "unpaid");
  const subscription = findAccess(living, now)?.subscription;
  if (subscription?.status === "active") return { verdict: "change", subscription };
  if (overdue) return { verdict: "payment_required", customer: overdue.stpCustomerId };
  return { verdict: "checkout_required" };
}

function livingOf(all: readonly Subscription[]): Subscription[] {
  return all.filter(
    ({ status, rejectedAt, isOtherProduct }) => rejectedAt === null && !isOtherProduct && !hasEnded(status),
  );
}
