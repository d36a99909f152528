import type { World } from "./world.ts";

/** The time of the test clock that a customer is on, or null. Unix seconds. */
export function clockTimeOf(world: World, customerId: string | null): number | null {
  const customer = world.tables.customers.get(customerId ?? "");
  const id = customer && "created" in customer ? customer.test_clock : null;
  return world.tables.testClocks.get(id ?? "")?.frozen_time ?? null;
}

/** Up to which moment a customer has lived: their test clock's, or the account's. */
export function timeOf(world: World, customerId: string): number {
  return clockTimeOf(world, customerId) ?? world.accountNow();
}

/** When a payment of a customer happens: cards and banks know no test clock, so neither do intents and charges. */
export function paymentTime(world: World, customerId: string | null): number {
  return clockTimeOf(world, customerId) === null ? world.now() : world.accountNow();
}

/** Runs work at the time of the test clock that one of the named objects is on, if one is. */
export function inTimeOf<Result>(world: World, ids: readonly unknown[], work: () => Result): Result {
  for (const id of ids) {
    if (typeof id !== "string") continue;
    const moment = world.tables.testClocks.get(id)?.frozen_time ?? clockTimeOf(world, customerOf(world, id));
    if (moment !== null) return world.at(moment, work);
  }
  return work();
}

/** Whose an object is, by its id. */
function customerOf({ tables }: World, id: string): string | null {
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
