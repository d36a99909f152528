import type { Account } from "./account.ts";

/** The time of the test clock that a customer is on, or null. Unix seconds. */
export function clockTimeOf(account: Account, customerId: string | null): number | null {
  const customer = account.tables.customers.get(customerId ?? "");
  const id = customer && "created" in customer ? customer.test_clock : null;
  return account.tables.testClocks.get(id ?? "")?.frozen_time ?? null;
}

/** Up to which moment a customer has lived: their test clock's, or the account's. */
export function timeOf(account: Account, customerId: string): number {
  return clockTimeOf(account, customerId) ?? account.wallTime();
}

/** When a payment of a customer happens: cards and banks know no test clock, so neither do intents and charges. */
export function paymentTime(account: Account, customerId: string | null): number {
  return clockTimeOf(account, customerId) === null ? account.now() : account.wallTime();
}

/** Runs work at the time of the test clock that one of the named objects is on, if one is. */
export function inTimeOf<Result>(account: Account, ids: readonly unknown[], work: () => Result): Result {
  for (const id of ids) {
    if (typeof id !== "string") continue;
    const moment =
      account.tables.testClocks.get(id)?.frozen_time ?? clockTimeOf(account, customerOf(account, id));
    if (moment !== null) return account.at(moment, work);
  }
  return work();
}

/** Whose an object is, by its id. */
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
