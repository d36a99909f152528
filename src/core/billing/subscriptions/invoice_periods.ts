import type Stripe from "stripe";
import { eachWithAllLines } from "#core/billing/payments/invoice_lines.ts";
import { idOf } from "#core/billing/subscriptions/stripe_state.ts";
import { listAll, type StripeApi } from "#core/services/stripe.ts";

/**
 * How many of the newest paid invoices are searched for the invoice that billed a period. The others billed one-off
 * items.
 */
const LOOK_BACK = 10;

/**
 * Lists invoices of a subscription with all their lines, newest first. All open invoices, since the oldest one counts; of
 * paid invoices the newest ones.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function listInvoices(
  stripe: StripeApi,
  subscription: string,
  status: "open" | "paid",
): Promise<Stripe.Invoice[]> {
  const limit = status === "open" ? 100 : LOOK_BACK;
  const listed = await stripe.request((sdk, options) =>
    listAll(sdk.invoices.list({ subscription, status, limit }, options), status === "open" ? 500 : LOOK_BACK),
  );
  return eachWithAllLines(stripe, listed);
}

/** An invoice that bills a period. */
export type PeriodInvoice = Pick<Stripe.Invoice, "created" | "lines">;

/**
 * The oldest of the open invoices that bill our products.
 * @returns null if none does
 */
export function oldestBilling<Invoice extends PeriodInvoice>(
  open: readonly Invoice[],
  productIds: readonly string[],
): Invoice | null {
  const billing = open.filter((invoice) => billedPeriod(invoice, productIds) !== null);
  return billing.toSorted((one, other) => one.created - other.created)[0] ?? null;
}

/**
 * The end of the period that the newest paid invoice billed, in Unix seconds.
 * @param paid newest first
 * @returns null if no invoice billed a period of our products
 */
export function lastPaidEnd(paid: readonly PeriodInvoice[], productIds: readonly string[]): number | null {
  for (const invoice of paid) {
    const period = billedPeriod(invoice, productIds);
    if (period) return period.end;
  }
  return null;
}

/**
 * The period of our products that an invoice bills, in Unix seconds. The same invoice can have prorations of an earlier
 * period, so prorations count only on an invoice of their own.
 * @returns null if the invoice bills one-off items or other products only
 */
export function billedPeriod(
  { lines }: Pick<Stripe.Invoice, "lines">,
  productIds: readonly string[],
): { start: number; end: number } | null {
  const ours = lines.data.filter((line) => isOurPeriod(line, productIds));
  const regular = ours.filter((line) => !isProration(line));
  const counted = regular.length > 0 ? regular : ours;
  if (counted.length === 0) return null;
  return {
    start: Math.min(...counted.map(({ period }) => period.start)),
    end: Math.max(...counted.map(({ period }) => period.end)),
  };
}

/**
 * Whether an invoice bills a change within a period. Its lines start on the day of the change, although the period before
 * it, or around it, may be paid for.
 */
export function hasProrations({ lines }: PeriodInvoice, productIds: readonly string[]): boolean {
  return lines.data.some((line) => isOurPeriod(line, productIds) && isProration(line));
}

function isProration({ parent }: Stripe.InvoiceLineItem): boolean {
  return parent?.subscription_item_details?.proration === true;
}

function isOurPeriod({ parent, pricing }: Stripe.InvoiceLineItem, productIds: readonly string[]): boolean {
  const product = pricing?.price_details?.product;
  return parent?.type === "subscription_item_details" && (!product || productIds.includes(idOf(product)));
}
