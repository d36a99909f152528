import { type Account, newId } from "./account.ts";
import { change, emit, set } from "./events.ts";
import { newCharge, newIntent } from "./payment_objects.ts";
import type { Charge, Invoice, InvoicePayment, PaymentIntent, PaymentMethod } from "./types.ts";

const DECLINED = "Your card was declined.";

/** Stores the payment intent of an invoice, and the invoice payment that links them. */
export function requestPayment(
  account: Account,
  invoice: Invoice,
): { intent: PaymentIntent; payment: InvoicePayment } {
  const intent = newIntent(account, invoice);
  const payment: InvoicePayment = {
    id: newId("inpay"),
    object: "invoice_payment",
    amount_paid: null,
    amount_requested: invoice.amount_due,
    created: account.now(),
    currency: invoice.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: false,
    payment: { payment_intent: intent.id, type: "payment_intent" },
    status: "open",
    status_transitions: { canceled_at: null, paid_at: null },
  };
  account.tables.paymentIntents.set(intent.id, intent);
  account.tables.invoicePayments.set(payment.id, payment);
  emit(account, "payment_intent.created", intent);
  return { intent, payment };
}

/** Charges a payment intent to a card. The card's behavior decides the result. */
export function attempt(account: Account, intent: PaymentIntent, method: PaymentMethod): void {
  const behavior = account.cards.get(method.id) ?? "succeeds";
  const status = { succeeds: "succeeded", declines: "failed", processes: "pending" } as const;
  const charge = newCharge(account, intent, method, status[behavior]);
  account.tables.charges.set(charge.id, charge);
  set(intent, { latest_charge: charge.id, payment_method: method.id });
  if (behavior === "succeeds") {
    succeed(account, intent, charge);
  } else if (behavior === "declines") {
    fail(account, intent, charge, method);
  } else {
    intent.status = "processing";
    emit(account, "charge.pending", charge);
    emit(account, "payment_intent.processing", intent);
  }
}

/** Ends a `processing` payment intent. */
export function settleIntent(account: Account, intent: PaymentIntent, outcome: "succeeded" | "failed"): void {
  const charge = account.tables.charges.get(intent.latest_charge ?? "");
  const method = account.tables.paymentMethods.get(intent.payment_method ?? "");
  if (charge === undefined || method === undefined || intent.status !== "processing") return;
  if (outcome === "succeeded") succeed(account, intent, charge);
  else fail(account, intent, charge, method);
}

function succeed(account: Account, intent: PaymentIntent, charge: Charge): void {
  set(charge, { amount_captured: charge.amount, captured: true, paid: true, status: "succeeded" });
  set(intent, { amount_received: intent.amount, last_payment_error: null, status: "succeeded" });
  emit(account, "charge.succeeded", charge);
  emit(account, "payment_intent.succeeded", intent);
}

function fail(account: Account, intent: PaymentIntent, charge: Charge, method: PaymentMethod): void {
  set(charge, { failure_code: "card_declined", failure_message: DECLINED, status: "failed" });
  set(intent, {
    status: "requires_payment_method",
    payment_method: null,
    last_payment_error: {
      type: "card_error",
      code: "card_declined",
      decline_code: "generic_decline",
      charge: charge.id,
      message: DECLINED,
      payment_method: structuredClone(method),
    },
  });
  emit(account, "charge.failed", charge);
  emit(account, "payment_intent.payment_failed", intent);
}

/** Cancels the payment intent of a voided invoice. */
export function cancelIntent(account: Account, intent: PaymentIntent): void {
  const patch = {
    status: "canceled",
    canceled_at: account.now(),
    cancellation_reason: "void_invoice",
  } as const;
  change(account, intent, patch, "payment_intent.canceled");
}
