import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { withAllLines } from "#core/billing/payments/invoice_lines.ts";
import { idOf } from "#core/billing/subscriptions/stripe_state.ts";
import { listAll } from "#core/services/stripe.ts";

/** The payment of an invoice of a subscription. */
export interface FoundPayment {
  stpSubscriptionId: string;
  /** With all its lines. */
  invoice: Stripe.Invoice;
  listed: Stripe.InvoicePayment;
}

/**
 * Finds the subscription whose invoice a payment paid.
 * @returns Stripe's id, or null if the payment is not for a subscription
 */
export async function subscriptionPaidBy(core: EventCore, intent: string): Promise<string | null> {
  return (await findInvoicePayment(core, intent))?.stpSubscriptionId ?? null;
}

/**
 * Finds the invoice and subscription that a payment paid.
 * @returns null if the payment is not for a subscription
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function findInvoicePayment(
  core: EventCore,
  payment_intent: string,
): Promise<FoundPayment | null> {
  const payments = await core.stripe.request((stripe, options) =>
    listAll(
      stripe.invoicePayments.list(
        {
          payment: { type: "payment_intent", payment_intent },
          expand: ["data.invoice", "data.payment.payment_intent.latest_charge"],
        },
        options,
      ),
    ),
  );
  for (const listed of payments) {
    const { invoice } = listed;
    if (typeof invoice === "string" || invoice.deleted) continue;
    const subscription = invoice.parent?.subscription_details?.subscription;
    if (!subscription) continue;
    const complete = await withAllLines(core.stripe, invoice);
    return { stpSubscriptionId: idOf(subscription), invoice: complete, listed };
  }
  return null;
}
