import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { eachWithAllLines } from "#core/billing/payments/invoice_lines.ts";
import type { InvoicePayment, SubscriptionInvoice } from "#core/billing/payments/subscription_invoice.ts";
import { idOf } from "#core/billing/subscriptions/stripe_state.ts";
import { isHarmlessDispute } from "#core/billing/subscriptions/subscription.ts";
import { listAll, mapInBatches } from "#core/services/stripe.ts";

/**
 * Lists the invoices of a subscription in every status, with all their lines: an open invoice may have been paid in part.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function listInvoices(core: EventCore, stpSubscriptionId: string): Promise<Stripe.Invoice[]> {
  return eachWithAllLines(core.stripe, await listWithFirstLines(core, stpSubscriptionId));
}

function listWithFirstLines(core: EventCore, stpSubscriptionId: string): Promise<Stripe.Invoice[]> {
  return core.stripe.request((stripe, options) =>
    listAll(stripe.invoices.list({ subscription: stpSubscriptionId, limit: 100 }, options)),
  );
}

/** Whether money or credit paid an invoice, wholly or in part. Nothing pays an invoice with a total of 0. */
export function isPaid(invoice: Stripe.Invoice): boolean {
  return invoice.amount_paid > 0 || (invoice.amount_paid_off_stripe ?? 0) > 0 || creditUsedBy(invoice) > 0;
}

/** The amount that an invoice with a negative total credited to the customer's balance, in the smallest currency unit. */
export function creditGivenBy({ status, total }: Stripe.Invoice): number {
  return status === "paid" ? Math.max(0, -total) : 0;
}

/** What the customer's balance paid of an invoice. Stripe returns it when the invoice is voided. */
function creditUsedBy({ status, starting_balance, ending_balance }: Stripe.Invoice): number {
  if (status !== "paid" || starting_balance >= 0) return 0;
  return Math.max(0, Math.min(0, ending_balance ?? starting_balance) - starting_balance);
}

/**
 * Reads whether a subscription was ever paid, and records a positive result in its document.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function readAndRecordWasPaid(core: EventCore, stpSubscriptionId: string): Promise<boolean> {
  const record = await core.subscriptions.findByStripeId(stpSubscriptionId);
  if (record?.wasPaid) return true;
  const wasPaid = (await listWithFirstLines(core, stpSubscriptionId)).some(isPaid);
  if (wasPaid) await core.subscriptions.recordPaid(stpSubscriptionId);
  return wasPaid;
}

/** Whether an invoice has a line for one of our products. A subscription may have been for another product before. */
export function isForOurProducts({ lines }: Stripe.Invoice, productIds: readonly string[]): boolean {
  const products = lines.data.flatMap(({ pricing }) => pricing?.price_details?.product ?? []);
  return products.length === 0 || products.some((product) => productIds.includes(idOf(product)));
}

/** What the lines of an invoice cost, and for which period. */
export function linesOf({ lines }: Stripe.Invoice): SubscriptionInvoice["lines"] {
  return lines.data.map(({ period: { start, end }, amount }) => ({ start, end, amount }));
}

/**
 * Reads the payments of invoices.
 * @throws NestError `stripe_error`, `unavailable`
 */
export function readPayments(
  core: EventCore,
  invoices: readonly Stripe.Invoice[],
): Promise<SubscriptionInvoice[]> {
  return mapInBatches(invoices, (invoice) => readInvoice(core, invoice));
}

async function readInvoice(core: EventCore, invoice: Stripe.Invoice): Promise<SubscriptionInvoice> {
  const expand = ["data.payment.payment_intent.latest_charge"];
  const listed = await core.stripe.request((stripe, options) =>
    listAll(
      stripe.invoicePayments.list({ invoice: invoice.id ?? "", status: "paid", limit: 100, expand }, options),
    ),
  );
  const payments = await Promise.all(listed.map((payment) => readPayment(core, payment)));
  return invoiceOf(
    invoice,
    payments.filter((payment) => payment !== null),
  );
}

/** The facts of an invoice from which returns are planned. */
export function invoiceOf(invoice: Stripe.Invoice, payments: InvoicePayment[]): SubscriptionInvoice {
  return {
    currency: invoice.currency,
    paidAt: invoice.status_transitions.paid_at ?? invoice.created,
    lines: linesOf(invoice),
    payments,
    creditUsed: creditUsedBy(invoice),
    creditNoted: invoice.post_payment_credit_notes_amount,
    creditGiven: creditGivenBy(invoice),
  };
}

/**
 * Reads a payment that Stripe can refund.
 * @param listed with its payment intent and the intent's charge expanded
 * @returns null for a payment outside Stripe, and for a payment that has not succeeded
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function readPayment(
  core: EventCore,
  { payment, amount_paid, status_transitions: { paid_at } }: Stripe.InvoicePayment,
): Promise<InvoicePayment | null> {
  const { payment_intent: intent, charge: own } = payment;
  const known = typeof intent === "object" ? intent.latest_charge : own;
  // Only invoices from before March 2019 have a charge without a payment intent.
  const charge =
    typeof known === "string"
      ? await core.stripe.request((stripe, options) => stripe.charges.retrieve(known, {}, options))
      : known;
  const source = intent ?? own;
  if (!charge?.paid || source === undefined) return null;
  return {
    source: idOf(source),
    paid: amount_paid ?? charge.amount_captured,
    left: charge.amount_captured - charge.amount_refunded,
    paidAt: paid_at ?? charge.created,
    isDisputed: charge.disputed && (await isHeld(core, charge.id)),
  };
}

/**
 * Whether the bank holds or took a disputed payment. Stripe is asked, because the events of a dispute can come before the
 * subscription is stored.
 */
async function isHeld(core: EventCore, charge: string): Promise<boolean> {
  const disputes = await core.stripe.request((stripe, options) =>
    listAll(stripe.disputes.list({ charge, limit: 100 }, options)),
  );
  return disputes.length === 0 || disputes.some(({ status }) => !isHarmlessDispute(status));
}
