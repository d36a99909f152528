import type Stripe from "stripe";
import type { BillingSettings } from "#core/billing/config.ts";
import { idOf, iso, readState } from "#core/billing/subscriptions/stripe_state.ts";
import { DAY } from "#core/clock.ts";
import type { SubscriptionState } from "#core/repositories/subscriptions.ts";
import { listAll, type StripeApi } from "#core/services/stripe.ts";

type Product = Parameters<typeof readState>[1];

/** The stored facts about the payments of a subscription. All are null while its current period is paid for. */
type Payments = Required<Pick<SubscriptionState, "paidUntil" | "oldestOpenInvoiceAt" | "pastDueUntil">>;

const PAID: Payments = { paidUntil: null, oldestOpenInvoiceAt: null, pastDueUntil: null };

/** Behaviors of paused collection that grant access: the merchant gives the time, or collects later (contract 1.7). */
const GRANTING_BEHAVIORS = ["keep_as_draft", "mark_uncollectible"];

/**
 * How many of the newest paid invoices are searched for the invoice that billed a period. The others billed one-off
 * items.
 */
const LOOK_BACK = 10;

/** Whether paused collection ends access with the paid period. */
export function isPauseUnpaid(behavior: string | null): boolean {
  return behavior !== null && !GRANTING_BEHAVIORS.includes(behavior);
}

/**
 * Whether Stripe moves the period of a subscription although nobody pays for it: its payment is past due, or its invoices
 * are voided. A voided invoice counts after collection was resumed too, until the next invoice.
 */
export function isPeriodUnpaid({ status, pause_collection, latest_invoice }: Stripe.Subscription): boolean {
  if (status === "past_due") return true;
  if (status !== "active") return false;
  const isVoid = typeof latest_invoice === "object" && latest_invoice?.status === "void";
  return isVoid || isPauseUnpaid(pause_collection?.behavior ?? null);
}

/**
 * Reads the part of a subscription that is stored, with the facts of its invoices. Only a subscription whose period is
 * not paid for takes a request to Stripe.
 * @param current as read from Stripe, with its latest invoice
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function readFullState(
  core: { stripe: StripeApi; billing: Pick<BillingSettings, "productIds" | "pastDueDays"> },
  current: Stripe.Subscription,
  product: Product,
): Promise<SubscriptionState> {
  const state = readState(current, product, core.billing.productIds);
  if (product.isOtherProduct || !isPeriodUnpaid(current)) return { ...state, ...PAID };
  const isPastDue = current.status === "past_due" && !isPauseUnpaid(state.pausedCollection ?? null);
  const open = isPastDue ? await listInvoices(core.stripe, current.id, "open") : [];
  const { productIds } = core.billing;
  const oldest = oldestBilling(open, productIds);
  if (oldest) return { ...state, ...pastDueFacts(oldest, core.billing) };
  const paid = await listInvoices(core.stripe, current.id, "paid");
  // A past due subscription without an open invoice owes nothing: its invoice was voided or marked uncollectible.
  const end = lastPaidEnd(paid, productIds) ?? current.start_date ?? current.created;
  return { ...state, ...PAID, paidUntil: iso(end) };
}

/** Newest first. All open invoices, since the oldest one counts; of paid invoices the newest ones. */
function listInvoices(
  stripe: StripeApi,
  subscription: string,
  status: "open" | "paid",
): Promise<Stripe.Invoice[]> {
  const limit = status === "open" ? 100 : LOOK_BACK;
  return stripe.request((sdk, options) =>
    listAll(sdk.invoices.list({ subscription, status, limit }, options), status === "open" ? 500 : LOOK_BACK),
  );
}

/** An invoice that bills a period. */
type PeriodInvoice = Pick<Stripe.Invoice, "created" | "lines">;

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
 * The facts of a `past_due` subscription: it is paid for until the start of the period that its oldest open invoice
 * bills, and usable for `pastDueDays` after that invoice was created (contract 1.7).
 */
export function pastDueFacts(
  oldest: PeriodInvoice,
  { productIds, pastDueDays }: Pick<BillingSettings, "productIds" | "pastDueDays">,
): Payments {
  return {
    paidUntil: iso(billedPeriod(oldest, productIds)?.start ?? oldest.created),
    oldestOpenInvoiceAt: iso(oldest.created),
    pastDueUntil: iso(oldest.created + pastDueDays * DAY),
  };
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
  const regular = ours.filter(({ parent }) => parent?.subscription_item_details?.proration !== true);
  const counted = regular.length > 0 ? regular : ours;
  if (counted.length === 0) return null;
  return {
    start: Math.min(...counted.map(({ period }) => period.start)),
    end: Math.max(...counted.map(({ period }) => period.end)),
  };
}

function isOurPeriod({ parent, pricing }: Stripe.InvoiceLineItem, productIds: readonly string[]): boolean {
  const product = pricing?.price_details?.product;
  return parent?.type === "subscription_item_details" && (!product || productIds.includes(idOf(product)));
}
