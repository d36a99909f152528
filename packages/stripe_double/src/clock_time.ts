import type { Account } from "./account.ts";

/** The time of a customer's test clock in Unix seconds, or null if the customer has none. */
export function testClockTime(account: Account, customerId: string | null): number | null {
  const customer = account.tables.customers.get(customerId ?? "");
  const id = customer && "created" in customer ? customer.test_clock : null;
  return account.tables.testClocks.get(id ?? "")?.frozen_time ?? null;
}

/** The current time for a customer in Unix seconds: that of the test clock, or else the account's. */
export function customerTime(account: Account, customerId: string): number {
  return testClockTime(account, customerId) ?? account.wallTime();
}

/** The creation time of a customer's payment objects. Stripe creates payment intents, charges and refunds in real time, also for customers on a test clock. */
export function paymentTime(account: Account, customerId: string | null): number {
  return testClockTime(account, customerId) === null ? account.now() : account.wallTime();
}

/** Runs work at the time of the first test clock that one of these ids belongs to, or else at the account's time. */
export function atTestClockOf<Result>(account: Account, ids: readonly unknown[], work: () => Result): Result {
  for (const id of ids) {
    if (typeof id !== "string") continue;
    const time =
      account.tables.testClocks.get(id)?.frozen_time ?? testClockTime(account, customerOf(account, id));
    if (time !== null) return account.at(time, work);
  }
  return work();
}

/** The customer id of the object with this id. */
function customerOf({ tables }: Account, id: string): string | null {
  if (tables.customers.has(id)) return id;
  for (const table of [
    tables.subscriptions,
    tables.invoices,
    tables.paymentIntents,
    tables.charges,
    tables.paymentMethods,
  ]) {
    const row = table.get(id);
    if (row) return row.customer;
  }
  return null;
}
