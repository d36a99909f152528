import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { sendRejectionMail } from "#core/billing/mail/rejection_mail.ts";
import type { FoundPayment } from "#core/billing/payments/find_payment.ts";
import { planLateCredit, planLatePayment } from "#core/billing/payments/plan_late_returns.ts";
import { invoiceOf, isForOurProducts, readPayment } from "#core/billing/payments/read_payments.ts";
import { rejectionOf, sendReturns, warnOfPaymentsOutside } from "#core/billing/payments/return_money.ts";
import type { InvoicePayment } from "#core/billing/payments/subscription_invoice.ts";
import { isAccepted, raiseCreditAlarms } from "#core/billing/subscriptions/rejection_alarms.ts";
import { NestError } from "#core/errors.ts";
import type { MoneyReturn, Subscription } from "#core/repositories/subscriptions.ts";
import { listAll } from "#core/services/stripe.ts";

/**
 * Returns a payment that succeeded after its subscription was rejected, with the credit that its invoice used, by the rules
 * of the rejection. Mails the owner once.
 * @throws NestError `stripe_error`, `email_not_sent`; `unavailable` while the rejection has not counted the earlier payments
 */
export async function returnLatePayment(
  core: EventCore,
  rejected: Subscription,
  { invoice, listed }: Pick<FoundPayment, "invoice" | "listed">,
): Promise<void> {
  const { stpSubscriptionId, refundedAt } = rejected;
  if (!isForOurProducts(invoice, core.billing.productIds)) return;
  const payment = await readPayment(core, listed);
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
 * Returns the payments and the credit of an invoice that was paid after its subscription was rejected. The event of a
 * payment can arrive before Stripe shows the invoice as paid.
 * @throws NestError `stripe_error`; `unavailable` while the rejection has not counted the earlier payments
 */
export async function returnLateInvoice(
  core: EventCore,
  rejected: Subscription,
  invoice: Stripe.Invoice,
): Promise<void> {
  const { stpSubscriptionId, rejectedAt } = rejected;
  const paidAt = invoice.status_transitions.paid_at;
  if (rejectedAt === null || paidAt === null || paidAt * 1000 <= Date.parse(rejectedAt)) return;
  if (!isForOurProducts(invoice, core.billing.productIds)) return;
  // Its period was not paid at the rejection, but is now.
  const rejection = { ...rejectionOf(rejected), status: "active" };
  warnOfPaymentsOutside(core, stpSubscriptionId, rejection, [invoice]);
  const payments = await core.stripe.request((stripe, options) =>
    listAll(
      stripe.invoicePayments.list(
        {
          ...{ invoice: invoice.id ?? "", status: "paid", limit: 100 },
          expand: ["data.payment.payment_intent.latest_charge"],
        },
        options,
      ),
    ),
  );
  for (const listed of payments) await returnLatePayment(core, rejected, { invoice, listed });
}
