import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { DONE, type Outcome } from "#core/billing/events/outcome.ts";
import { findInvoicePayment } from "#core/billing/payments/find_payment.ts";
import { returnLatePayment } from "#core/billing/payments/late_payment.ts";
import { sendReturns, voidInvoice } from "#core/billing/payments/return_money.ts";
import { logReturn, sentRefund } from "#core/billing/payments/send_return.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { stripeRefusal } from "#core/services/stripe.ts";

/**
 * Returns a payment that succeeded after its subscription was rejected, by the rules of the rejection.
 * @param intent the payment's `payment_intent`
 * @param records all subscriptions of the payment's customer
 * @throws NestError `stripe_error`; `unavailable` while the rejection has not counted the earlier payments
 */
export async function refundIfRejected(
  core: EventCore,
  intent: string,
  records: readonly Subscription[],
): Promise<void> {
  const rejected = records.filter(({ rejectedAt }) => rejectedAt !== null);
  if (rejected.length === 0) return;
  const found = await findInvoicePayment(core, intent);
  const record = rejected.find(({ stpSubscriptionId }) => stpSubscriptionId === found?.stpSubscriptionId);
  if (found && record) await returnLatePayment(core, record, found);
}

/**
 * Voids the invoice of a rejected subscription whose payment failed. The rejection left it open, because the payment was
 * processing. Nobody can pay it later then.
 * @param intent the payment's `payment_intent`
 * @param records all subscriptions of the payment's customer
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function voidIfRejected(
  core: EventCore,
  intent: string,
  records: readonly Subscription[],
): Promise<void> {
  const rejected = records.filter(({ rejectedAt }) => rejectedAt !== null);
  const found = rejected.length === 0 ? null : await findInvoicePayment(core, intent);
  const isRejected = rejected.some(({ stpSubscriptionId }) => stpSubscriptionId === found?.stpSubscriptionId);
  if (found?.invoice.status === "open" && isRejected) await voidInvoice(core, found.invoice);
}

/**
 * Returns the payments that a bank held when their subscription was rejected, after their dispute ended without a loss.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function returnDisputedPayment(
  core: EventCore,
  rejected: Subscription,
  intent: string,
): Promise<void> {
  const held = rejected.returns?.[intent];
  if (held?.status === "disputed") return sendReturns(core, rejected, [held]);
  const found = held ? null : await findInvoicePayment(core, intent);
  if (found) await returnLatePayment(core, rejected, found);
}

/**
 * Records that a refund of a rejected subscription failed after Stripe had accepted it, with an alarm: an operator must
 * return the money in another way. The refund is read again from Stripe.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function recordRefundChange(core: EventCore, refundId: string): Promise<Outcome> {
  const refund = await retrieveRefund(core, refundId);
  if (!refund) return { status: "missing", reason: "no_such_refund" };
  const stpSubscriptionId = refund.metadata?.rejected_subscription;
  const record = stpSubscriptionId ? await core.subscriptions.findByStripeId(stpSubscriptionId) : null;
  if (!record) return { status: "ignored", reason: "no_rejected_subscription" };
  const known = Object.values(record.returns ?? {}).find(({ id }) => id === refundId);
  // The event can arrive before the response to Nest's own request is recorded.
  if (!known) return { status: "missing", reason: "refund_not_recorded" };
  const { status, failure } = sentRefund(refund);
  if (status === known.status) return DONE;
  const { source, attempts } = known;
  await core.subscriptions.recordReturn(record.stpSubscriptionId, source, attempts, { status, failure });
  logReturn(core, record, { ...known, status, failure });
  return DONE;
}

async function retrieveRefund(core: EventCore, id: string): Promise<Stripe.Refund | null> {
  try {
    return await core.stripe.request((stripe, options) => stripe.refunds.retrieve(id, {}, options));
  } catch (error) {
    if (stripeRefusal(error)?.code === "resource_missing") return null;
    throw error;
  }
}
