import type Stripe from "stripe";
import { type ClosingCore, closeCheckouts } from "#core/billing/plans/close_checkouts.ts";
import { hasEnded, isRunningOut } from "#core/billing/subscriptions/stripe_state.ts";
import { cancelNow } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { StripeApi } from "#core/services/stripe.ts";

export type EndBillingCore = ClosingCore & Pick<Core, "log" | "subscriptions">;

/** A trial that Nest started and nobody paid for. Anybody can start it for an address, so it must not bind its owner. */
const isUnpaidTrial = ({ status, trialId }: Subscription) => status === "trialing" && trialId !== null;

/** Whether a subscription goes on charging, unless it is canceled. */
const isCharged = (subscription: Subscription) =>
  subscription.rejectedAt === null &&
  !hasEnded(subscription.status) &&
  !isUnpaidTrial(subscription) &&
  !isRunningOut(subscription);

/** The same of what Stripe shows. */
const mayStay = ({ status, metadata, cancel_at_period_end }: Stripe.Subscription) =>
  status === "trialing"
    ? metadata.trial_id !== undefined || cancel_at_period_end
    : status === "active" && cancel_at_period_end;

/**
 * Nobody may pay for a user who is gone: a subscription that renews must be canceled first, and open checkout pages are closed.
 * @throws NestError active_subscription, stripe_error, unavailable
 */
export async function requireNoCharge(core: EndBillingCore, userId: string): Promise<void> {
  const subscriptions = await core.subscriptions.listByUser(userId);
  if (subscriptions.some(isCharged)) throw new NestError("active_subscription");
  try {
    await closeCheckouts(core, userId, mayStay);
  } catch (error) {
    if (error instanceof NestError && error.code === "already_subscribed")
      throw new NestError("active_subscription", { detail: error.detail });
    throw error;
  }
}

/**
 * Cancels the unpaid trials of a deleted user, and closes the checkout pages that calls opened while the user was deleted. Safe to
 * repeat. A page that was paid meanwhile raises an alarm: an operator must cancel the subscription and refund it.
 * @throws NestError stripe_error, unavailable
 */
export async function endBilling(core: EndBillingCore, userId: string): Promise<void> {
  const subscriptions = await core.subscriptions.listByUser(userId);
  for (const { stpSubscriptionId } of subscriptions.filter(isUnpaidTrial))
    await cancelAtStripe(core.stripe, stpSubscriptionId);
  try {
    await closeCheckouts(core, userId, mayStay);
  } catch (error) {
    if (!(error instanceof NestError) || error.code !== "already_subscribed") throw error;
    core.log.error("deleted_user_pays", { alarm: true, user_id: userId, detail: error.detail });
  }
}

/**
 * Cancels an unpaid trial that a call claimed while its user was deleted. The record was stored before the user is read here: either
 * this sees the deletion, or the deletion, which reads the records after its first write, sees the record. Safe to repeat.
 * @param record a stored subscription that has not ended
 * @returns whether the user is deleted, so that nothing else follows
 * @throws NestError stripe_error, unavailable
 */
export async function endTrialOfDeleted(
  core: Pick<Core, "log" | "users"> & { stripe: StripeApi },
  record: Subscription,
): Promise<boolean> {
  if (!isUnpaidTrial(record)) return false;
  const user = await core.users.find(record.userId);
  if (user?.status !== "deleted") return false;
  await cancelNow(core, record.stpSubscriptionId);
  core.log.info("trial_of_deleted_user_canceled", { user_id: record.userId });
  return true;
}

/** Cancels a subscription at once. One that has ended is not changed. */
async function cancelAtStripe(stripe: StripeApi | null, id: string): Promise<void> {
  if (stripe === null)
    throw new NestError("unavailable", {
      detail: "the trial must be canceled at Stripe: set STRIPE_SECRET_KEY",
    });
  await cancelNow({ stripe }, id);
}
