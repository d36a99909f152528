import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { DONE, type Outcome } from "#core/billing/events/outcome.ts";
import { sendRejectionMail } from "#core/billing/mail/rejection_mail.ts";
import { planLateCredit, planLatePayment } from "#core/billing/payments/plan_late_returns.ts";
import { invoiceOf, isForOurProducts, readPayment } from "#core/billing/payments/read_payments.ts";
import { hasOnlyHarmlessDisputes, rejectionOf, sendReturns } from "#core/billing/payments/return_money.ts";
import { logReturn, sentRefund } from "#core/billing/payments/send_return.ts";
import type { InvoicePayment } from "#core/billing/payments/subscription_invoice.ts";
import { isAccepted, raiseCreditAlarms } from "#core/billing/subscriptions/rejection_alarms.ts";
import { NestError } from "#core/errors.ts";
import type { MoneyReturn, Subscription } from "#core/repositories/subscriptions.ts";
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
  const { stpSubscriptionId, refundedAt } = rejected;
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
  await planLate(core, rejected, { invoice, payment }, now);
  const stored = await listReturns(core, stpSubscriptionId, [payment.source, invoice.id ?? ""]);
  const waiting = stored.filter(({ status, amount }) => status === "planned" && amount > 0);
  await sendReturns(core, rejected, waiting);
  if (stored.every(({ isLate }) => isLate)) await announceLateReturns(core, rejected, stored);
}

/** Plans the return of a late payment, and of the credit that its invoice used, unless the rejection counted them. */
async function planLate(
  core: EventCore,
  rejected: Subscription,
  late: { invoice: Stripe.Invoice; payment: InvoicePayment },
  now: string,
): Promise<void> {
  const { stpSubscriptionId, stpCustomerId: customer, rejectedAt } = rejected;
  const { payment, invoice } = late;
  const about = { rejection: rejectionOf(rejected), customer, rejectedAt: rejectedAt ?? now };
  const read = invoiceOf(invoice, [payment]);
  const [counted] = await listReturns(core, stpSubscriptionId, [payment.source]);
  const planned = planLatePayment(about, { invoice: read, payment }, now);
  const credit = planLateCredit(about, { id: invoice.id ?? "", invoice: read, payment }, now);
  const isCounted = counted !== undefined && !counted.isLate;
  if (credit && !isCounted) await core.subscriptions.addReturn(stpSubscriptionId, credit);
  if (planned) await core.subscriptions.addReturn(stpSubscriptionId, planned);
}

/** Lists the stored returns of these sources. */
async function listReturns(core: EventCore, id: string, sources: readonly string[]): Promise<MoneyReturn[]> {
  const returns = (await core.subscriptions.findByStripeId(id))?.returns ?? {};
  return sources.flatMap((source) => returns[source] ?? []);
}

/**
 * Mails the owner once about a returned payment that succeeded after the rejection, and raises the alarm about credit of
 * another customer.
 * @param planned the returns of the payment and of its invoice's credit; the payment's source makes the mail unique
 * @throws NestError `stripe_error`, `email_not_sent`, `unavailable`
 */
async function announceLateReturns(
  core: EventCore,
  { stpSubscriptionId }: Subscription,
  planned: readonly MoneyReturn[],
): Promise<void> {
  const sources = planned.map(({ source }) => source);
  const rejected = await core.subscriptions.findByStripeId(stpSubscriptionId);
  const sent = (await listReturns(core, stpSubscriptionId, sources)).filter(isAccepted);
  if (!rejected || sent.length === 0) return;
  await sendRejectionMail(core, rejected, sent, `lateReturn-${sources[0]}`);
  raiseCreditAlarms(core, rejected, sent);
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
