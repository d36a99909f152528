import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { sendOnce } from "#core/billing/mail/subscription_mail.ts";
import { refundPayments } from "#core/billing/payments/refund.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { cancelNow, retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { User } from "#core/repositories/users.ts";

/** A subscription that is rejected in favor of the kept subscription. */
interface Loser {
  /** Stripe's id. */
  id: string;
  /** The current subscription at Stripe; null if Stripe has no such subscription. */
  current: Stripe.Subscription | null;
}

/**
 * Rejects every subscription that the kept one replaced. If the kept subscription is paid for, it also rejects the
 * subscriptions that still wait for their first payment. Safe to repeat.
 * @param user as it was after the decision
 * @param winner the kept subscription
 * @throws NestError `stripe_error`, `email_not_sent`, `unavailable`
 */
export async function rejectReplaced(
  core: EventCore,
  { _id: userId, replacedSubscriptionIds = [] }: User,
  winner: Stripe.Subscription,
): Promise<void> {
  const waiting = winner.status === "active" ? await recordWaitingAsLosers(core, userId, winner.id) : [];
  for (const id of new Set([...replacedSubscriptionIds, ...waiting])) {
    const current = await retrieveSubscription(core, id);
    await rejectLoser(core, userId, { id, current }, winner);
  }
}

/**
 * Until now, subscriptions with an unpaid first invoice were left in addition to the kept subscription.
 * @returns Stripe's ids of the rejected subscriptions
 */
async function recordWaitingAsLosers(core: EventCore, userId: string, winnerId: string): Promise<string[]> {
  const records = await core.subscriptions.listByUser(userId);
  const ids = records
    .filter(({ status, rejectedAt }) => status === "incomplete" && rejectedAt === null)
    .map(({ stpSubscriptionId }) => stpSubscriptionId)
    .filter((id) => id !== winnerId);
  const hasLost = await Promise.all(ids.map((id) => core.users.rejectSubscription(userId, id, winnerId)));
  return ids.filter((_id, index) => hasLost[index]);
}

/**
 * Cancels and refunds one rejected subscription, and records that this is done. Safe to repeat.
 * @param winner null if the kept subscription has ended since
 * @throws NestError `stripe_error`, `email_not_sent`, `unavailable`
 */
export async function rejectLoser(
  core: EventCore,
  userId: string,
  { id, current }: Loser,
  winner: Stripe.Subscription | null,
): Promise<void> {
  const record = current && (await core.subscriptions.findByStripeId(id));
  // A subscription that ended by itself was used: it is not refunded.
  const isRejected = current && record && (record.rejectedAt !== null || !hasEnded(current.status));
  if (!isRejected) return core.users.settleReplaced(userId, id);
  const isSilent = current.status === "trialing" && winner?.status !== "trialing";
  // The subscription is marked first. From then on it grants nothing, and every later event completes the rejection.
  const rejected = await core.subscriptions.reject(id, isSilent, core.clock.now().toISOString());
  if (rejected) return finishRejection(core, rejected);
  await core.users.settleReplaced(userId, id);
}

/**
 * Cancels a rejected subscription at once, refunds every payment in full, and mails its owner. Safe to repeat.
 * @throws NestError `stripe_error`, `email_not_sent`, `unavailable`
 */
export async function finishRejection(core: EventCore, rejected: Subscription): Promise<void> {
  const { stpSubscriptionId, userId, stpCustomerId, isRejectedSilently } = rejected;
  if (rejected.refundedAt === null) {
    await cancelNow(core, stpSubscriptionId);
    await refundPayments(core, stpSubscriptionId);
    if (!isRejectedSilently) {
      const address = await readCustomerAddress(core, stpCustomerId);
      const mail = { template: "duplicate-subscription", variables: {}, address } as const;
      await sendOnce(core, rejected, "duplicate", mail);
    }
    await core.subscriptions.recordRefund(stpSubscriptionId, core.clock.now().toISOString());
    core.log.warn("duplicate_subscription", {
      subscription_id: stpSubscriptionId,
      user_id: userId,
      silent: isRejectedSilently,
    });
  }
  await core.users.settleReplaced(userId, stpSubscriptionId);
}

async function readCustomerAddress(core: EventCore, customer: string): Promise<string | null> {
  const found = await core.stripe.request((stripe, options) =>
    stripe.customers.retrieve(customer, {}, options),
  );
  return found.deleted ? null : found.email;
}
