import { change, emit, set } from "./events.ts";
import { newCharge, newIntent } from "./payment_objects.ts";
import type { Charge, Invoice, InvoicePayment, PaymentIntent, PaymentMethod } from "./types.ts";
import { newId, type World } from "./world.ts";

const DECLINED = "Your card was declined.";

/** The payment that an invoice asks for: its intent, and the link between the two. */
export function requestPayment(
  world: World,
  invoice: Invoice,
): { intent: PaymentIntent; payment: InvoicePayment } {
  const intent = newIntent(world, invoice);
  const payment: InvoicePayment = {
    id: newId("inpay"),
    object: "invoice_payment",
    amount_paid: null,
    amount_requested: invoice.amount_due,
    created: world.now(),
    currency: invoice.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: false,
    payment: { payment_intent: intent.id, type: "payment_intent" },
    status: "open",
    status_transitions: { canceled_at: null, paid_at: null },
  };
  world.tables.paymentIntents.set(intent.id, intent);
  world.tables.invoicePayments.set(payment.id, payment);
  emit(world, "payment_intent.created", intent);
  return { intent, payment };
}

/** Tries an intent on a card, with a charge and the events of what came of it. */
export function attempt(world: World, intent: PaymentIntent, method: PaymentMethod): void {
  const behaviour = world.cards.get(method.id) ?? "succeeds";
  const status = { succeeds: "succeeded", declines: "failed", processes: "pending" } as const;
  const charge = newCharge(world, intent, method, status[behaviour]);
  world.tables.charges.set(charge.id, charge);
  set(intent, { latest_charge: charge.id, payment_method: method.id });
  if (behaviour === "succeeds") {
    succeed(world, intent, charge);
  } else if (behaviour === "declines") {
    fail(world, intent, charge, method);
  } else {
    intent.status = "processing";
    emit(world, "charge.pending", charge);
    emit(world, "payment_intent.processing", intent);
  }
}

/** Ends an intent that was processing. */
export function settleIntent(world: World, intent: PaymentIntent, outcome: "succeeded" | "failed"): void {
  const charge = world.tables.charges.get(intent.latest_charge ?? "");
  const method = world.tables.paymentMethods.get(intent.payment_method ?? "");
  if (charge === undefined || method === undefined || intent.status !== "processing") return;
  if (outcome === "succeeded") succeed(world, intent, charge);
  else fail(world, intent, charge, method);
}

function succeed(world: World, intent: PaymentIntent, charge: Charge): void {
  set(charge, { amount_captured: charge.amount, captured: true, paid: true, status: "succeeded" });
  set(intent, { amount_received: intent.amount, last_payment_error: null, status: "succeeded" });
  emit(world, "charge.succeeded", charge);
  emit(world, "payment_intent.succeeded", intent);
}

function fail(world: World, intent: PaymentIntent, charge: Charge, method: PaymentMethod): void {
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
  emit(world, "charge.failed", charge);
  emit(world, "payment_intent.payment_failed", intent);
}

/** Gives an intent up that nobody will pay. */
export function cancelIntent(world: World, intent: PaymentIntent): void {
  const patch = {
    status: "canceled",
    canceled_at: world.now(),
    cancellation_reason: "void_invoice",
  } as const;
  change(world, intent, patch, "payment_intent.canceled");
}
