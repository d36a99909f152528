import type { Account } from "./account.ts";
import { emit } from "./events.ts";
import { type BillingReason, newInvoice } from "./invoice_object.ts";
import { attempt, cancelIntent, requestPayment } from "./payments.ts";
import type { Invoice, InvoicePayment, PaymentIntent, PaymentMethod, Subscription } from "./types.ts";

/** Stores the invoice of a subscription's current period. An invoice over 0 is paid immediately. */
export function createInvoice(
  account: Account,
  subscription: Subscription,
  details: { reason: BillingReason; isFree?: boolean },
): Invoice {
  const invoice = newInvoice(account, subscription, details);
  account.tables.invoices.set(invoice.id, invoice);
  subscription.latest_invoice = invoice.id;
  if (invoice.amount_due === 0) markPaid(account, invoice);
  return invoice;
}

export type PaymentOutcome = "paid" | "processing" | "failed";

/** Charges an open invoice to a card. Without a card, the payment intent stays at `requires_payment_method`. */
export function collect(account: Account, invoice: Invoice, method: PaymentMethod | null): PaymentOutcome {
  if (invoice.status !== "open") return invoice.status === "paid" ? "paid" : "failed";
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
  invoice.status = "paid";
  invoice.attempted = true;
  invoice.auto_advance = false;
  invoice.next_payment_attempt = null;
  invoice.status_transitions.paid_at = account.now();
  emit(account, "invoice.paid", invoice);
}

/** Voids an open invoice and cancels its payment intent. */
export function voidInvoice(account: Account, invoice: Invoice): void {
  if (invoice.status !== "open") return;
  invoice.status = "void";
  invoice.auto_advance = false;
  invoice.next_payment_attempt = null;
  invoice.status_transitions.voided_at = account.now();
  const waiting = paymentOf(account, invoice);
  if (waiting && waiting.intent.status !== "processing") {
    waiting.payment.status = "canceled";
    waiting.payment.status_transitions.canceled_at = account.now();
    cancelIntent(account, waiting.intent);
  }
  emit(account, "invoice.voided", invoice);
}
