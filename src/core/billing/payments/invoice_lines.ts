import type Stripe from "stripe";
import { listAll, mapInBatches, type StripeApi } from "#core/services/stripe.ts";

/**
 * The lines of an invoice that are read at most. Stripe allows 250 invoice items an invoice
 * (https://docs.stripe.com/api/invoiceitems/create) and 20 items a subscription.
 */
const LONGEST_INVOICE = 500;

/**
 * Completes an invoice. Stripe's responses contain its first 10 lines, pending prorations before the line of a new period
 * (https://docs.stripe.com/api/invoices/object#invoice_object-lines), so code that reads lines needs a complete invoice. An
 * invoice whose lines are complete causes no request.
 * @returns the invoice with all its lines
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function withAllLines(stripe: StripeApi, invoice: Stripe.Invoice): Promise<Stripe.Invoice> {
  const { id, lines } = invoice;
  if (!lines.has_more) return invoice;
  const data = await stripe.request((sdk, options) =>
    listAll(sdk.invoices.listLineItems(id, { limit: 100 }, options), LONGEST_INVOICE),
  );
  return { ...invoice, lines: { ...lines, data, has_more: false } };
}

/**
 * Completes invoices (`withAllLines`).
 * @returns the invoices in the same order
 * @throws NestError `stripe_error`, `unavailable`
 */
export function eachWithAllLines(
  stripe: StripeApi,
  invoices: readonly Stripe.Invoice[],
): Promise<Stripe.Invoice[]> {
  return mapInBatches(invoices, (invoice) => withAllLines(stripe, invoice));
}
