import type Stripe from "stripe";
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

/** The documents that name a person's customers at Stripe. */
interface CustomerRecords {
  providerMappings: readonly { providerValue: string }[];
  subscriptions: readonly { stpCustomerId: string }[];
  trials: readonly { stpCustomerId: string | null }[];
}

/** Returns the ids of a person's customers at Stripe, which keeps its own records of them. */
export function customersOf({ providerMappings, subscriptions, trials }: CustomerRecords): string[] {
  const ids = [
    ...providerMappings.map(({ providerValue }) => providerValue),
    ...subscriptions.map(({ stpCustomerId }) => stpCustomerId),
    ...trials.map(({ stpCustomerId }) => stpCustomerId),
  ];
  return [...new Set(ids.filter((id) => id !== null))].sort();
}

/** Refunds read concurrently. */
const CONCURRENCY = 5;
const isoOf = (seconds: number) => new Date(seconds * 1000).toISOString();

/**
 * Reads the payments, the refunds, including failed refunds, and the balance changes of customers from Stripe. The
 * newest is first.
 * @param most how many payments and balance changes of each customer are read, the newest; a refund of an earlier payment is left out
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function readMovements(
  stripe: StripeApi,
  customers: readonly string[],
  most = Number.POSITIVE_INFINITY,
): Promise<MoneyMovement[]> {
  const found = await Promise.all(customers.map((customer) => readCustomer(stripe, customer, most)));
  return found.flat().sort((one, other) => other.createdAt.localeCompare(one.createdAt));
}

async function readCustomer(stripe: StripeApi, customer: string, most: number): Promise<MoneyMovement[]> {
  const limit = Math.min(most, 100);
  const [charges, balance] = await Promise.all([
    listOrNone(stripe, (sdk, options) => upTo(most, sdk.charges.list({ customer, limit }, options))),
    listOrNone(stripe, (sdk, options) =>
      upTo(most, sdk.customers.listBalanceTransactions(customer, { limit }, options)),
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

/** The first items of a list, without a request for what follows them. */
async function* upTo<Item>(most: number, items: AsyncIterable<Item>): AsyncIterable<Item> {
  let count = 0;
  for await (const item of items) {
    yield item;
    if (++count >= most) return;
  }
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
