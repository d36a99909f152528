import { type Account, newId } from "./account.ts";
import { invalidRequest } from "./api_error.ts";
import { change } from "./events.ts";
import type { BalanceTransaction, Customer } from "./types.ts";

export interface BalanceAdjustment {
  /** In the smallest unit of the currency. Negative: a credit of the customer. */
  amount: number;
  currency: string;
  type?: BalanceTransaction["type"];
  invoice?: string | null;
  description?: string | null;
  metadata?: Record<string, string>;
}

/**
 * Changes a customer's invoice balance and stores the transaction.
 * @throws ApiError if the amount is 0, or if the customer has another currency
 * @see https://docs.stripe.com/billing/customer/balance
 */
export function adjustBalance(
  account: Account,
  customer: Customer,
  {
    amount,
    currency,
    type = "adjustment",
    invoice = null,
    description = null,
    metadata = {},
  }: BalanceAdjustment,
): BalanceTransaction {
  requireCurrency(customer, currency);
  if (amount === 0) throw invalidRequest("Invalid non-zero integer", { param: "amount" });
  const transaction: BalanceTransaction = {
    id: newId("cbtxn"),
    object: "customer_balance_transaction",
    amount,
    checkout_session: null,
    created: account.now(),
    credit_note: null,
    currency,
    customer: customer.id,
    customer_account: null,
    description,
    ending_balance: customer.balance + amount,
    invoice,
    livemode: false,
    metadata,
    type,
  };
  account.tables.balanceTransactions.set(transaction.id, transaction);
  change(account, customer, { balance: transaction.ending_balance, currency }, "customer.updated");
  return transaction;
}

/** A customer's balance is in one currency, that of its first invoice or balance transaction. */
function requireCurrency(customer: Customer, currency: string): void {
  const { currency: own } = customer;
  if (!own || own === currency) return;
  throw invalidRequest(
    `You cannot combine currencies on a single customer. This customer has a balance in ${own}.`,
    { param: "currency" },
  );
}

/**
 * The balance that pays for an invoice of this amount: at most the customer's credit, or all of the customer's debt. A
 * negative amount becomes a credit.
 */
export function balanceFor(customer: Customer | null, total: number, currency: string): number {
  if (total < 0) return -total;
  if (customer === null || total === 0 || customer.currency !== currency) return 0;
  return Math.max(customer.balance, -total);
}
