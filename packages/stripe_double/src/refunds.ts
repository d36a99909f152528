import { type Account, newId, type RefundRefusal } from "./account.ts";
import { type ApiError, invalidRequest, notFound, unknownReference } from "./api_error.ts";
import { paymentTime } from "./clock_time.ts";
import { emit, set } from "./events.ts";
import type { Charge, Refund } from "./types.ts";

export interface RefundDetails {
  payment_intent?: string | undefined;
  charge?: string | undefined;
  amount?: number | undefined;
  reason?: "duplicate" | "fraudulent" | "requested_by_customer" | undefined;
  metadata?: Record<string, string>;
}

/**
 * Refunds a charge, or the charge of a payment intent, in whole or in part.
 * @throws ApiError if it was refunded before, is disputed, or the amount is too large
 */
export function createRefund(account: Account, details: RefundDetails): Refund {
  const charge = chargeFor(account, details);
  const left = charge.amount_captured - charge.amount_refunded;
  const { amount = left } = details;
  requireRefundable(account, charge, amount);
  const refund = newRefund(account, charge, amount, details);
  account.tables.refunds.set(refund.id, refund);
  const before = { amount_refunded: charge.amount_refunded, refunded: charge.refunded };
  charge.amount_refunded += amount;
  charge.refunded = charge.amount_refunded === charge.amount_captured;
  emit(account, "refund.created", refund);
  emit(account, "charge.refunded", charge, before);
  return refund;
}

function requireRefundable(account: Account, charge: Charge, amount: number): void {
  const left = charge.amount_captured - charge.amount_refunded;
  if (charge.refunded || left === 0) {
    throw invalidRequest(`Charge ${charge.id} has already been refunded.`, {
      code: "charge_already_refunded",
    });
  }
  if (isDisputed(account, charge)) {
    throw invalidRequest(`Charge ${charge.id} has been charged back; cannot issue a refund.`, {
      code: "charge_disputed",
    });
  }
  const refusal = account.refusedRefunds.shift();
  if (refusal) throw refused(charge, refusal);
  if (amount < 1) throw invalidRequest("Invalid positive integer", { param: "amount" });
  if (amount > left) {
    throw invalidRequest(`Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`, {
      param: "amount",
    });
  }
  if (THREE_DECIMALS.has(charge.currency) && amount % 10 !== 0) {
    throw invalidRequest(`Invalid amount: in ${charge.currency} the last digit must be 0.`, {
      param: "amount",
    });
  }
}

/** The currencies whose amounts must end in 0 (https://docs.stripe.com/currencies#three-decimal). */
const THREE_DECIMALS: ReadonlySet<string> = new Set(["bhd", "jod", "kwd", "omr", "tnd"]);

function refused(charge: Charge, code: RefundRefusal): ApiError {
  const messages: Record<RefundRefusal, string> = {
    balance_insufficient: "Insufficient funds in your Stripe balance to refund this amount.",
    charge_disputed: `Charge ${charge.id} has been charged back; cannot issue a refund.`,
    charge_expired_for_refund: `Charge ${charge.id} is too old to be refunded.`,
  };
  return invalidRequest(messages[code], { code });
}

/**
 * Makes a successful refund fail, as when the bank returns the money. The charge can be refunded again.
 * @see https://docs.stripe.com/refunds#failed-refunds
 */
export function failRefund(account: Account, id: string, reason = "declined"): Refund {
  const refund = account.tables.refunds.get(id);
  const charge = account.tables.charges.get(refund?.charge ?? "");
  if (refund === undefined || charge === undefined) throw notFound("refund", id);
  const before = { status: refund.status };
  set(refund, { status: "failed", failure_reason: reason });
  set(charge, { amount_refunded: charge.amount_refunded - refund.amount, refunded: false });
  emit(account, "refund.updated", refund, before);
  emit(account, "charge.refund.updated", refund, before);
  emit(account, "refund.failed", refund);
  return refund;
}

function newRefund(account: Account, charge: Charge, amount: number, details: RefundDetails): Refund {
  return {
    id: newId("re"),
    object: "refund",
    amount,
    balance_transaction: null,
    charge: charge.id,
    created: paymentTime(account, charge.customer),
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    destination_details: { type: "card", card: { type: "refund" } },
    metadata: details.metadata ?? {},
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: details.reason ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: "succeeded",
    transfer_reversal: null,
  };
}

/** Whether a dispute prevents a refund. After a won dispute the charge can be refunded. */
function isDisputed(account: Account, { id }: Charge): boolean {
  return [...account.tables.disputes.values()].some(
    ({ charge, status }) => charge === id && status !== "won",
  );
}

function chargeFor(account: Account, { payment_intent: intentId, charge: chargeId }: RefundDetails): Charge {
  if ((intentId === undefined) === (chargeId === undefined)) {
    throw invalidRequest(
      "One of the following params should be provided for this request: payment_intent or charge.",
    );
  }
  if (chargeId !== undefined) {
    const charge = account.tables.charges.get(chargeId);
    if (charge === undefined) throw unknownReference("charge", chargeId, "charge");
    if (charge.paid) return charge;
    throw invalidRequest(`Charge ${charge.id} was not successful; cannot issue a refund.`, {
      param: "charge",
    });
  }
  const intent = account.tables.paymentIntents.get(intentId ?? "");
  if (intent === undefined) throw unknownReference("payment_intent", intentId ?? "", "payment_intent");
  const charge = account.tables.charges.get(intent.latest_charge ?? "");
  if (charge?.paid) return charge;
  throw invalidRequest(`This PaymentIntent (${intent.id}) does not have a successful charge to refund.`, {
    code: "payment_intent_unexpected_state",
    param: "payment_intent",
  });
}
