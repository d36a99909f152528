import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { DONE, type Outcome } from "#core/billing/events/outcome.ts";
import { sendRejectionMail } from "#core/billing/mail/rejection_mail.ts";
import { planLatePayment } from "#core/billing/payments/plan_returns.ts";
import { invoiceOf, isForOurProducts, readPayment } from "#core/billing/payments/read_payments.ts";
import { hasOnlyHarmlessDisputes, rejectionOf, sendReturns } from "#core/billing/payments/return_money.ts";
import { logReturn, sentRefund } from "#core/billing/payments/send_return.ts";
import { isAccepted } from "#core/billing/subscriptions/rejection_alarms.ts";
import { NestError } from "#core/errors.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { listAll, stripeRefusal } from "#core/services/stripe.ts";

const idOf = (value: string | { id: string }) => (typeof value === "string" ? value : value.id);

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

/** The payment of an invoice of a subscription. */
export interface FoundPayment {
  stpSubscriptionId: string;
  invoice: Stripe.Invoice;
  listed: Stripe.InvoicePayment;
}

async function returnLatePayment(
  core: EventCore,
  rejected: Subscription,
  { invoice, listed }: FoundPayment,
): Promise<void> {
  const { stpSubscriptionId, stpCustomerId: customer, rejectedAt, refundedAt } = rejected;
  if (!isForOurProducts(invoice, core.billing.productIds)) return;
  const payment = await readPayment(core, listed, hasOnlyHarmlessDisputes(rejected));
  if (!payment) return;
  if (rejected.returns === undefined) {
    if (refundedAt === null)
      throw new NestError("unavailable", { detail: "the rejection is not complete", retryAfterSeconds: 30 });
    // An earlier release completed the rejection, and stored no returns.
    await core.subscriptions.planReturns(stpSubscriptionId, {});
  }
  const now = core.clock.now().toISOString();
  const about = { rejection: rejectionOf(rejected), customer, rejectedAt: rejectedAt ?? now };
  const planned = planLatePayment(about, { invoice: invoiceOf(invoice, [payment]), payment }, now);
  if (planned) await core.subscriptions.addReturn(stpSubscriptionId, planned);
  const stored = (await core.subscriptions.findByStripeId(stpSubscriptionId))?.returns?.[payment.source];
  if (stored?.status === "planned" && stored.amount > 0) await sendReturns(core, rejected, [stored]);
  if (stored?.isLate) await sendLateReturnMail(core, rejected, payment.source);
}

/**
 * Mails the owner once about a returned payment that succeeded after the rejection.
 * @throws NestError `stripe_error`, `email_not_sent`, `unavailable`
 */
async function sendLateReturnMail(
  core: EventCore,
  { stpSubscriptionId }: Subscription,
  source: string,
): Promise<void> {
  const rejected = await core.subscriptions.findByStripeId(stpSubscriptionId);
  const sent = rejected?.returns?.[source];
  if (rejected && sent && isAccepted(sent))
    await sendRejectionMail(core, rejected, [sent], `lateReturn-${source}`);
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
 * Finds the subscription whose invoice a payment paid.
 * @returns Stripe's id, or null if the payment is not for a subscription
 */
export async function subscriptionPaidBy(core: EventCore, intent: string): Promise<string | null> {
  return (await findInvoicePayment(core, intent))?.stpSubscriptionId ?? null;
}

/**
 * Finds the invoice and subscription that a payment paid.
 * @returns null if the payment is not for a subscription
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function findInvoicePayment(
  core: EventCore,
  payment_intent: string,
): Promise<FoundPayment | null> {
  const payments = await core.stripe.request((stripe, options) =>
    listAll(
      stripe.invoicePayments.list(
        {
          payment: { type: "payment_intent", payment_intent },
          expand: ["data.invoice", "data.payment.payment_intent.latest_charge"],
        },
        options,
      ),
    ),
  );
  for (const listed of payments) {
    const { invoice } = listed;
    if (typeof invoice === "string" || invoice.deleted) continue;
    const subscription = invoice.parent?.subscription_details?.subscription;
    if (subscription) return { stpSubscriptionId: idOf(subscription), invoice, listed };
  }
  return null;
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
