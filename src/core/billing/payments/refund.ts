import type { EventCore } from "#core/billing/events/event_core.ts";
import { listAll, stripeRefusal } from "#core/services/stripe.ts";

/** Error codes of payments that need no refund: already refunded, or taken back by the bank in a dispute. */
const NOTHING_TO_REFUND = ["charge_already_refunded", "charge_disputed"];
/** Invoices refunded concurrently. One by one, the invoices of years would exceed the time limit of an event. */
const CONCURRENCY = 5;

/**
 * Refunds every payment of a subscription in full. Safe to repeat, since Stripe never refunds more than was paid. A
 * payment that is still processing is refunded when it succeeds, a disputed payment when the dispute is won. A refund
 * that fails does not stop the others.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function refundPayments(core: EventCore, stpSubscriptionId: string): Promise<void> {
  // Invoices of every status: an open invoice may have been paid in part.
  const invoices = await core.stripe.request((stripe, options) =>
    listAll(stripe.invoices.list({ subscription: stpSubscriptionId, limit: 100 }, options)),
  );
  const paid = invoices.flatMap(({ id, amount_paid }) => (amount_paid === 0 || id === undefined ? [] : [id]));
  const failures: unknown[] = [];
  for (let start = 0; start < paid.length; start += CONCURRENCY) {
    const batch = paid.slice(start, start + CONCURRENCY);
    const errors = await Promise.all(batch.map((invoice) => refundInvoice(core, invoice)));
    failures.push(...errors.flat());
  }
  if (failures.length > 0) throw failures[0];
}

/**
 * Refunds every payment of one invoice.
 * @returns the errors of refunds that failed
 */
async function refundInvoice(core: EventCore, invoice: string): Promise<unknown[]> {
  const payments = await core.stripe.request((stripe, options) =>
    listAll(stripe.invoicePayments.list({ invoice, status: "paid", limit: 100 }, options)),
  );
  const failures: unknown[] = [];
  for (const { payment } of payments) {
    const { payment_intent: intent, charge } = payment;
    // An invoice that was paid outside Stripe has neither, and Stripe cannot refund it.
    const paid = intent ? { payment_intent: idOf(intent) } : charge ? { charge: idOf(charge) } : null;
    if (paid) await refund(core, paid).catch((error: unknown) => failures.push(error));
  }
  return failures;
}

/**
 * Refunds a payment that succeeded after its subscription was rejected.
 * @param intent the payment's `payment_intent`
 * @param customer the payment's customer at Stripe
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function refundIfRejected(core: EventCore, intent: string, customer: string): Promise<void> {
  const rejected = await core.subscriptions.listRejected(customer);
  if (rejected.length === 0) return;
  const paidFor = await subscriptionPaidBy(core, intent);
  // Refunds this payment only: Stripe may not have marked its invoice as paid yet.
  if (rejected.some(({ stpSubscriptionId }) => stpSubscriptionId === paidFor))
    await refund(core, { payment_intent: intent });
}

/**
 * Finds the subscription whose invoice a payment paid.
 * @returns Stripe's id, or null if the payment is not for a subscription
 */
export async function subscriptionPaidBy(core: EventCore, payment_intent: string): Promise<string | null> {
  const payments = await core.stripe.request((stripe, options) =>
    listAll(
      stripe.invoicePayments.list(
        { payment: { type: "payment_intent", payment_intent }, expand: ["data.invoice"] },
        options,
      ),
    ),
  );
  for (const { invoice } of payments) {
    if (typeof invoice === "string" || invoice.deleted) continue;
    const subscription = invoice.parent?.subscription_details?.subscription;
    if (subscription) return idOf(subscription);
  }
  return null;
}

const idOf = (value: string | { id: string }) => (typeof value === "string" ? value : value.id);

async function refund(core: EventCore, paid: { payment_intent: string } | { charge: string }): Promise<void> {
  try {
    const { status } = await core.stripe.request((stripe, options) =>
      stripe.refunds.create({ ...paid, reason: "duplicate" }, options),
    );
    core.log[status === "succeeded" ? "info" : "warn"]("refunded", { ...paid, refund_status: status });
  } catch (error) {
    const code = stripeRefusal(error)?.code;
    if (!NOTHING_TO_REFUND.includes(code ?? "")) throw error;
    if (code === "charge_disputed") core.log.warn("refund_disputed", paid);
  }
}
