import type Stripe from "stripe";
import { formatMoney } from "#core/messages/formats.ts";
import type { StripeApi } from "#core/services/stripe.ts";
import { listOrNone } from "#core/services/stripe_lists.ts";

/** A payment, a refund or a change of the customer's balance, as Stripe reports it. */
export interface MoneyMovement {
  type: "payment" | "refund" | "balance";
  /** Stripe's id. */
  id: string;
  customer: string;
  /** In the currency's smallest unit. A refund and a credit to the customer are negative. */
  amount: number;
  currency: string;
  /** ISO. */
  createdAt: string;
  /** Stripe's status, and for a payment `disputed`. */
  status: string;
  /** Why it was refunded, credited or refused. */
  reason: string | null;
}

/** Refunds read concurrently. */
const CONCURRENCY = 5;
const isoOf = (seconds: number) => new Date(seconds * 1000).toISOString();

/**
 * Reads the payments, the refunds, including failed refunds, and the balance changes of customers from Stripe. The
 * newest is first.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function readMovements(
  stripe: StripeApi,
  customers: readonly string[],
): Promise<MoneyMovement[]> {
  const found = await Promise.all(customers.map((customer) => readCustomer(stripe, customer)));
  return found.flat().sort((one, other) => other.createdAt.localeCompare(one.createdAt));
}

async function readCustomer(stripe: StripeApi, customer: string): Promise<MoneyMovement[]> {
  const [charges, balance] = await Promise.all([
    listOrNone(stripe, (sdk, options) => sdk.charges.list({ customer, limit: 100 }, options)),
    listOrNone(stripe, (sdk, options) =>
      sdk.customers.listBalanceTransactions(customer, { limit: 100 }, options),
    ),
  ]);
  const refunds: Stripe.Refund[] = [];
  // `amount_refunded` leaves out failed refunds, so the refunds of every successful payment are listed.
  const paid = charges.filter(({ status }) => status === "succeeded");
  for (let start = 0; start < paid.length; start += CONCURRENCY) {
    const batch = paid
      .slice(start, start + CONCURRENCY)
      .map(({ id: charge }) =>
        listOrNone(stripe, (sdk, options) => sdk.refunds.list({ charge, limit: 100 }, options)),
      );
    refunds.push(...(await Promise.all(batch)).flat());
  }
  return [
    ...charges.map((charge) => paymentOf(charge, customer)),
    ...refunds.map((refund) => refundOf(refund, customer)),
    ...balance.map((change) => changeOf(change, customer)),
  ];
}

const paymentOf = (charge: Stripe.Charge, customer: string): MoneyMovement => ({
  type: "payment",
  id: charge.id,
  customer,
  amount: charge.amount,
  currency: charge.currency,
  createdAt: isoOf(charge.created),
  status: charge.disputed ? "disputed" : charge.status,
  reason: charge.failure_code,
});

const refundOf = (refund: Stripe.Refund, customer: string): MoneyMovement => ({
  type: "refund",
  id: refund.id,
  customer,
  amount: -refund.amount,
  currency: refund.currency,
  createdAt: isoOf(refund.created),
  status: refund.status ?? "pending",
  reason: refund.failure_reason ?? refund.reason,
});

const changeOf = (change: Stripe.CustomerBalanceTransaction, customer: string): MoneyMovement => ({
  type: "balance",
  id: change.id,
  customer,
  amount: change.amount,
  currency: change.currency,
  createdAt: isoOf(change.created),
  status: change.amount < 0 ? "credited" : "used",
  reason: change.description ?? change.type,
});

/** Describes a movement for the terminal: type, then amount, date, id, status and reason. */
export function describeMovement(movement: MoneyMovement): [string, string] {
  const { type, id, amount, currency, createdAt, status, reason } = movement;
  const parts = [formatMoney({ amount, currency }), createdAt, id, status, ...(reason ? [reason] : [])];
  return [type, parts.join("  ")];
}
