import type { EventCore } from "#core/billing/events/event_core.ts";
import { findInvoicePayment } from "#core/billing/payments/find_payment.ts";
import { isForOurProducts, readPayment } from "#core/billing/payments/read_payments.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/**
 * Raises an alarm if a payment succeeded after its subscription had ended, and nothing rejected the subscription: a bank
 * debit takes days, and its buyer can cancel meanwhile. The payment buys nothing, but Nest does not know whether it was
 * owed, so an operator decides (runbooks/stripe.md).
 * @param intent the payment's `payment_intent`
 * @param records all subscriptions of the payment's customer
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function warnOfPaymentAfterEnd(
  core: EventCore,
  intent: string,
  records: readonly Subscription[],
): Promise<void> {
  // Nearly every payment renews a subscription, so Stripe is asked only if another one could be paid.
  if (!records.some(mayHaveEnded)) return;
  const found = await findInvoicePayment(core, intent);
  if (!found || !isForOurProducts(found.invoice, core.billing.productIds)) return;
  const id = found.stpSubscriptionId;
  const record = await core.subscriptions.findByStripeId(id);
  if (!record || record.rejectedAt !== null) return;
  const current = await retrieveSubscription(core, id);
  const payment = await readPayment(core, found.listed);
  if (!current || !hasEnded(current.status) || !payment) return;
  // An event can be late: a payment before the end paid for the time until then.
  if (payment.left === 0 || payment.paidAt <= (current.ended_at ?? 0)) return;
  core.log.error("paid_after_end", { alarm: true, subscription_id: id });
  await core.subscriptions.recordPaidAfterEnd(id);
}

/** Whether a subscription has ended, or its first payment was never seen: its end may not be stored yet. */
function mayHaveEnded({ status, rejectedAt, unpaidSince }: Subscription): boolean {
  return rejectedAt === null && (hasEnded(status) || Boolean(unpaidSince));
}
