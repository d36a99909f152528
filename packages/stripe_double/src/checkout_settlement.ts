import type { Account } from "./account.ts";
import { change } from "./events.ts";
import type { Invoice } from "./types.ts";

/** Updates the checkout session of an invoice when its bank debit ends. Later payments do not belong to the session. */
export function followCheckout(account: Account, invoice: Invoice): void {
  const { checkoutSessions, checkoutOrders } = account.tables;
  const session = [...checkoutSessions.values()].find((row) => row.invoice === invoice.id);
  const order = checkoutOrders.get(session?.id ?? "");
  if (!session || !order?.awaitsDebit) return;
  order.awaitsDebit = false;
  if (invoice.status === "paid")
    change(account, session, { payment_status: "paid" }, "checkout.session.async_payment_succeeded");
  else change(account, session, {}, "checkout.session.async_payment_failed");
}
