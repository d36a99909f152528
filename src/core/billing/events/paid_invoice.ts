import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { DONE, type Outcome } from "#core/billing/events/outcome.ts";
import { withAllLines } from "#core/billing/payments/invoice_lines.ts";
import { returnLateInvoice } from "#core/billing/payments/late_payment.ts";
import { hasEnded, idOf } from "#core/billing/subscriptions/stripe_state.ts";
import { syncSubscription } from "#core/billing/subscriptions/sync_subscription.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { stripeRefusal } from "#core/services/stripe.ts";

/**
 * Updates the subscription whose invoice was paid, if its record says that a payment is owed. Stripe sends no other event
 * about an invoice that was paid outside Stripe. Returns the money of an invoice of a rejected subscription. Stripe sends
 * this event at every renewal, so it causes no request and no write for a paid subscription.
 * @param id Stripe's id of the invoice
 * @param customer the invoice's customer at Stripe
 * @throws NestError `stripe_error`, `unavailable`, and those of `syncSubscription`
 */
export async function followPaidInvoice(core: EventCore, id: string, customer: string): Promise<Outcome> {
  const waiting = (await core.subscriptions.listByCustomer(customer)).filter(isWaiting);
  if (waiting.length === 0) return DONE;
  const invoice = await retrieveInvoice(core, id);
  if (!invoice) return { status: "missing", reason: "no_such_invoice" };
  const paid = invoice.parent?.subscription_details?.subscription;
  const record = waiting.find(({ stpSubscriptionId }) => paid && stpSubscriptionId === idOf(paid));
  if (!record) return DONE;
  if (record.rejectedAt === null) return syncSubscription(core, "updated", record.stpSubscriptionId);
  await returnLateInvoice(core, record, invoice);
  return DONE;
}

/** Whether a paid invoice can change a subscription: it was rejected, or its current period is not paid for. */
function isWaiting({ status, rejectedAt, unpaidSince, paidUntil }: Subscription): boolean {
  return rejectedAt !== null || (!hasEnded(status) && Boolean(unpaidSince ?? paidUntil));
}

async function retrieveInvoice(core: EventCore, id: string): Promise<Stripe.Invoice | null> {
  try {
    const invoice = await core.stripe.request((stripe, options) => stripe.invoices.retrieve(id, {}, options));
    return await withAllLines(core.stripe, invoice);
  } catch (error) {
    if (stripeRefusal(error)?.code === "resource_missing") return null;
    throw error;
  }
}
