import type { Account } from "./account.ts";
import { invalidRequest } from "./api_error.ts";
import { adjustBalance } from "./balance.ts";
import { emit, set } from "./events.ts";
import { type InvoiceDetails, newInvoice } from "./invoice_object.ts";
import { attempt, cancelIntent, requestPayment } from "./payments.ts";
import type { Invoice, InvoicePayment, PaymentIntent, PaymentMethod, Subscription } from "./types.ts";

/**
 * Stores the invoice of a subscription's current period with its pending lines, and uses the customer's balance for it.
 * An invoice with a total of 0 is paid immediately.
 */
export function createInvoice(
  account: Account,
  subscription: Subscription,
  details: InvoiceDetails,
): Invoice {
  const { invoice, lines } = newInvoice(account, subscription, details);
  account.tables.invoices.set(invoice.id, invoice);
  account.tables.invoiceLines.set(invoice.id, lines);
  account.tables.pendingLines.delete(subscription.id);
  subscription.latest_invoice = invoice.id;
  if (details.isDraft) return invoice;
  moveBalance(account, invoice, invoice.total - invoice.amount_due, "applied_to_invoice");
  if (invoice.amount_due === 0) markPaid(account, invoice);
  return invoice;
}

/** Uses the customer's balance for an invoice, or restores it. Sets the currency of a customer that has none. */
function moveBalance(
  account: Account,
  invoice: Invoice,
  amount: number,
  type: "applied_to_invoice" | "unapplied_from_invoice",
): void {
  const customer = account.tables.customers.get(invoice.customer ?? "");
  if (customer === undefined || !("created" in customer)) return;
  customer.currency ??= invoice.currency;
  if (amount !== 0)
    adjustBalance(account, customer, { amount, currency: invoice.currency, type, invoice: invoice.id });
}

export type PaymentOutcome = "paid" | "processing" | "failed";

/** Charges an open invoice to a card. Without a card, the payment intent stays at `requires_payment_method`. */
export function collect(account: Account, invoice: Invoice, method: PaymentMethod | null): PaymentOutcome {
  if (invoice.status !== "open" && invoice.status !== "uncollectible") {
    return invoice.status === "paid" ? "paid" : "failed";
  }
  const { intent, payment } = paymentOf(account, invoice) ?? requestPayment(account, invoice);
  if (intent.status === "processing") return "processing";
  invoice.attempted = true;
  invoice.attempt_count++;
  if (method) attempt(account, intent, method);
  return applyPaymentResult(account, invoice, intent, payment);
}

/** Updates an invoice with the result of its payment intent. */
export function applyPaymentResult(
  account: Account,
  invoice: Invoice,
  intent: PaymentIntent,
  payment: InvoicePayment,
): PaymentOutcome {
  if (intent.status === "processing") return "processing";
  if (intent.status !== "succeeded") {
    emit(account, "invoice.payment_failed", invoice);
    return "failed";
  }
  payment.status = "paid";
  payment.amount_paid = invoice.amount_due;
  payment.status_transitions.paid_at = account.now();
  invoice.amount_paid = invoice.amount_due;
  invoice.amount_remaining = 0;
  markPaid(account, invoice);
  emit(account, "invoice_payment.paid", payment);
  return "paid";
}

/** The payment intent of an invoice, or null if it has none. */
export function paymentOf(
  account: Account,
  invoice: Invoice,
): { intent: PaymentIntent; payment: InvoicePayment } | null {
  for (const payment of account.tables.invoicePayments.values()) {
    if (payment.invoice !== invoice.id) continue;
    const intent = account.tables.paymentIntents.get(payment.payment.payment_intent ?? "");
    if (intent) return { intent, payment };
  }
  return null;
}

function markPaid(account: Account, invoice: Invoice): void {
  delete invoice.status_details;
  invoice.status = "paid";
  invoice.attempted = true;
  invoice.auto_advance = false;
  invoice.next_payment_attempt = null;
  invoice.status_transitions.paid_at = account.now();
  emit(account, "invoice.paid", invoice);
}

/** Voids an unpaid invoice, cancels its payment intent, and restores the customer's balance that it used. */
export function voidInvoice(account: Account, invoice: Invoice): void {
  if (invoice.status !== "open" && invoice.status !== "uncollectible") return;
  set(invoice, { status: "void", auto_advance: false, next_payment_attempt: null });
  delete invoice.status_details;
  invoice.status_transitions.voided_at = account.now();
  cancelPayment(account, invoice);
  moveBalance(account, invoice, invoice.amount_due - invoice.total, "unapplied_from_invoice");
  emit(account, "invoice.voided", invoice);
}

/** Marks an open invoice as uncollectible. It can still be paid or voided. */
export function markUncollectible(
  account: Account,
  invoice: Invoice,
  reason: "subscription_paused" | "user_forgiven",
): void {
  set(invoice, {
    status: "uncollectible",
    auto_advance: false,
    next_payment_attempt: null,
    status_details: { uncollectible: { reason } },
  });
  invoice.status_transitions.marked_uncollectible_at = account.now();
  emit(account, "invoice.marked_uncollectible", invoice);
}

/**
 * Marks an invoice as paid outside of Stripe. No charge is made.
 * @throws ApiError if a payment of the invoice is processing
 */
export function payOutOfBand(account: Account, invoice: Invoice): void {
  if (paymentOf(account, invoice)?.intent.status === "processing") {
    throw invalidRequest("This invoice has a payment that is processing.", { code: "invoice_not_editable" });
  }
  cancelPayment(account, invoice);
  delete invoice.status_details;
  set(invoice, {
    amount_paid: invoice.amount_due,
    amount_paid_off_stripe: invoice.amount_due,
    amount_remaining: 0,
  });
  markPaid(account, invoice);
}

function cancelPayment(account: Account, invoice: Invoice): void {
  const waiting = paymentOf(account, invoice);
  if (waiting && waiting.intent.status !== "processing") {
    waiting.payment.status = "canceled";
    waiting.payment.status_transitions.canceled_at = account.now();
    cancelIntent(account, waiting.intent);
  }
}
