import type Stripe from "stripe";
import type { BillingSettings } from "#core/billing/config.ts";
import { isPaid } from "#core/billing/payments/read_payments.ts";
import { listInvoices, oldestBilling } from "#core/billing/subscriptions/invoice_periods.ts";
import { listAll, type StripeApi } from "#core/services/stripe.ts";

/**
 * The open invoice of an active subscription that was never paid. Stripe shows a subscription as active while its first
 * bank debit is processing (https://docs.stripe.com/billing/subscriptions/overview#payment-behavior).
 * @param current as read from Stripe, with its latest invoice
 * @returns null if the subscription was paid before, owes nothing or is not active
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function findUnpaidFirst(
  { stripe, billing }: { stripe: StripeApi; billing: Pick<BillingSettings, "productIds"> },
  current: Stripe.Subscription,
): Promise<Stripe.Invoice | null> {
  const { id } = current;
  if (!mayBeUnpaid(current)) return null;
  const oldest = oldestBilling(await listInvoices(stripe, id, "open"), billing.productIds);
  if (!oldest) return null;
  const paid = await stripe.request((sdk, options) =>
    listAll(sdk.invoices.list({ subscription: id, status: "paid", limit: 100 }, options)),
  );
  return paid.some(isPaid) ? null : oldest;
}

/**
 * Whether `findUnpaidFirst` must ask Stripe. While the first invoice is open, a change of price can add an invoice with
 * the total 0. A new period adds a draft, or a void or uncollectible invoice if collection is paused.
 */
export function mayBeUnpaid({
  status,
  latest_invoice: latest,
}: Pick<Stripe.Subscription, "status" | "latest_invoice">): boolean {
  if (status !== "active" || typeof latest !== "object" || latest === null) return false;
  return latest.status !== "paid" || latest.amount_paid === 0;
}
