import type Stripe from "stripe";
import type { BillingSettings } from "#core/billing/config.ts";
import { findUnpaidFirst } from "#core/billing/subscriptions/first_payment.ts";
import {
  billedPeriod,
  hasProrations,
  lastPaidEnd,
  listInvoices,
  oldestBilling,
  type PeriodInvoice,
} from "#core/billing/subscriptions/invoice_periods.ts";
import { idOf, iso, readPeriod, readState } from "#core/billing/subscriptions/stripe_state.ts";
import { DAY } from "#core/clock.ts";
import type { SubscriptionState } from "#core/repositories/subscriptions.ts";
import type { StripeApi } from "#core/services/stripe.ts";

type Product = Parameters<typeof readState>[1];

/** The stored facts about the payments of a subscription. The first three are null while its current period is paid for. */
type Payments = Required<Pick<SubscriptionState, "paidUntil" | "oldestOpenInvoiceAt" | "pastDueUntil">> &
  Pick<SubscriptionState, "unpaidSince">;

const PAID: Payments = { paidUntil: null, oldestOpenInvoiceAt: null, pastDueUntil: null };

/** Behaviors of paused collection that grant access: the merchant gives the time, or collects later (contract 1.7). */
const GRANTING_BEHAVIORS = ["keep_as_draft", "mark_uncollectible"];

/** Whether paused collection ends access with the paid period. */
export function isPauseUnpaid(behavior: string | null): boolean {
  return behavior !== null && !GRANTING_BEHAVIORS.includes(behavior);
}

/**
 * Whether Stripe moves the period of a subscription although nobody pays for it: its payment is past due, or its invoices
 * are voided or written off. Such an invoice counts after collection was resumed too, until the next invoice.
 */
export function isPeriodUnpaid({ status, pause_collection, latest_invoice }: Stripe.Subscription): boolean {
  if (status === "past_due") return true;
  if (status !== "active") return false;
  const isGivenUp =
    typeof latest_invoice === "object" && latest_invoice !== null && isWrittenOff(latest_invoice);
  return isGivenUp || isPauseUnpaid(pause_collection?.behavior ?? null);
}

/**
 * Whether an operator gave up an invoice. Only paused collection grants the period of an uncollectible invoice (contract
 * 1.7), also after it was resumed.
 */
function isWrittenOff({ status, status_details }: Stripe.Invoice): boolean {
  const reason = status_details?.uncollectible?.reason;
  if (status === "void") return true;
  return status === "uncollectible" && reason != null && reason !== "subscription_paused";
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
  const { productIds } = core.billing;
  const state = readState(current, product, productIds);
  if (product.isOtherProduct) return { ...state, ...PAID };
  const first = await findUnpaidFirst(core, current);
  if (first) return { ...state, ...pending(first, core.billing) };
  if (!isPeriodUnpaid(current))
    return { ...state, ...PAID, ...(current.status === "active" && { unpaidSince: null }) };
  const isPastDue = current.status === "past_due" && !isPauseUnpaid(state.pausedCollection ?? null);
  const open = isPastDue ? await listInvoices(core.stripe, current.id, "open") : [];
  const oldest = oldestBilling(open, productIds);
  const isKnown = oldest !== null && !hasProrations(oldest, productIds) && isLatest(oldest, current);
  const paid = isKnown ? [] : await listInvoices(core.stripe, current.id, "paid");
  return { ...state, ...unpaidFacts(current, oldest, paid, core.billing) };
}

/** Whether no later invoice of a subscription exists. A later one can be paid while an earlier one stays open. */
function isLatest({ id }: Stripe.Invoice, { latest_invoice }: Stripe.Subscription): boolean {
  return latest_invoice === null || idOf(latest_invoice) === id;
}

/**
 * Reads the end of the paid time of an active subscription whose current period nobody pays: its collection is paused, or
 * its last invoice was voided or marked uncollectible.
 * @param current as read from Stripe, with its latest invoice
 * @returns ISO 8601; null for every other subscription
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function readPaidUntil(
  { stripe, billing }: { stripe: StripeApi; billing: Pick<BillingSettings, "productIds" | "pastDueDays"> },
  current: Stripe.Subscription,
): Promise<string | null> {
  if (current.status !== "active" || !isPeriodUnpaid(current)) return null;
  return unpaidFacts(current, null, await listInvoices(stripe, current.id, "paid"), billing).paidUntil;
}

/**
 * The facts of a subscription whose current period is not paid for. An open invoice with prorations is for a change within
 * a period: the period before the change stays paid for, at most until the current period's end. A
 * period that was paid for while the invoice of an earlier period stayed open counts too.
 * @param oldest the oldest open invoice that bills our products; null if there is none
 * @param paid the paid invoices, newest first. Empty if `oldest` has no prorations and is the latest invoice
 */
export function unpaidFacts(
  current: Stripe.Subscription,
  oldest: PeriodInvoice | null,
  paid: readonly PeriodInvoice[],
  billing: Pick<BillingSettings, "productIds" | "pastDueDays">,
): Payments {
  const { productIds } = billing;
  const payments = oldest ? pastDueFacts(oldest, billing) : PAID;
  const isRenewal = oldest !== null && !hasProrations(oldest, productIds);
  // A past due subscription without an open invoice owes nothing: its invoice was voided or marked uncollectible.
  const begin = isRenewal ? billedStart(oldest, productIds) : (current.start_date ?? current.created);
  const end = Math.max(begin, lastPaidEnd(paid, productIds) ?? begin);
  return { ...payments, paidUntil: iso(Math.min(end, readPeriod(current, productIds).end)) };
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
    paidUntil: iso(billedStart(oldest, productIds)),
    oldestOpenInvoiceAt: iso(oldest.created),
    pastDueUntil: iso(oldest.created + pastDueDays * DAY),
  };
}

const billedStart = (invoice: PeriodInvoice, productIds: readonly string[]) =>
  billedPeriod(invoice, productIds)?.start ?? invoice.created;

/** The facts of an active subscription that was never paid: it is usable for as long as a `past_due` one. */
function pending(
  { created }: Stripe.Invoice,
  { pastDueDays }: Pick<BillingSettings, "pastDueDays">,
): Payments {
  const pastDueUntil = iso(created + pastDueDays * DAY);
  return { ...PAID, oldestOpenInvoiceAt: iso(created), pastDueUntil, unpaidSince: iso(created) };
}
