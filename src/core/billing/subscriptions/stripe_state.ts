import type Stripe from "stripe";
import type { CancelType, SubscriptionState } from "#core/repositories/subscriptions.ts";

/** Known statuses, best first. A status that Stripe adds grants nothing until it is added here (contract 1.3). */
export const LIVING_STATUSES = ["active", "trialing", "past_due", "unpaid", "paused", "incomplete"] as const;
const ENDED_STATUSES = ["canceled", "incomplete_expired"] as const;

/** Whether this code knows a status. */
export function isKnownStatus(status: string): boolean {
  return ([...LIVING_STATUSES, ...ENDED_STATUSES] as readonly string[]).includes(status);
}

/** Whether a subscription with this status has ended permanently. */
export function hasEnded(status: string): boolean {
  return (ENDED_STATUSES as readonly string[]).includes(status);
}

/** The stored fields that tell whether a subscription ends without another charge. */
type Ending = Pick<SubscriptionState, "status" | "cancelAt" | "cancelType" | "endsAt">;

/**
 * Whether a subscription was canceled and only runs until the end of what is paid: its owner pays nothing more. A subscription
 * schedule sets its end years ahead, and charges until then.
 */
export function isRunningOut({ status, cancelAt, cancelType, endsAt }: Ending): boolean {
  const endsWithPeriod = cancelType === "period_end" && (cancelAt === null || cancelAt <= endsAt);
  return endsWithPeriod && (status === "active" || status === "trialing");
}

/** API versions before 2025-03-31 have the period on the subscription instead of its items. */
interface LegacyPeriod {
  current_period_start?: number | null;
  current_period_end?: number | null;
}

export const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
const isoOrNull = (seconds: number | null | undefined) => (seconds == null ? null : iso(seconds));
export const idOf = (value: string | { id: string }) => (typeof value === "string" ? value : value.id);
const present = (values: readonly (number | null | undefined)[]) => values.filter((value) => value != null);

/**
 * The product of the first item that is one of `productIds`.
 * @returns null if there is none: the subscription does not belong to this service
 */
export function ourProduct(subscription: Stripe.Subscription, productIds: readonly string[]): string | null {
  return productsOf(subscription).find((product) => productIds.includes(product)) ?? null;
}

function productsOf({ items }: Stripe.Subscription): string[] {
  return (items?.data ?? []).map(({ price }) => idOf(price.product));
}

/** The product of a subscription. */
type Product = Pick<SubscriptionState, "stpProductId" | "isOtherProduct">;

/**
 * The product of a subscription. A stored subscription may have been changed to another product since.
 * @param known the stored product, if the subscription is stored
 * @returns null if the subscription never belonged to this service
 */
export function readProduct(
  subscription: Stripe.Subscription,
  productIds: readonly string[],
  known: Product | null,
): Product | null {
  const ours = ourProduct(subscription, productIds);
  if (ours !== null) return { stpProductId: ours, isOtherProduct: false };
  const [other] = productsOf(subscription);
  if (known && other !== undefined) return { stpProductId: other, isOtherProduct: true };
  return known && { stpProductId: known.stpProductId, isOtherProduct: known.isOtherProduct };
}

/**
 * The part of a Stripe subscription that is stored, without the facts of its invoices (`readPayments`).
 *
 * A cancellation is scheduled by `cancel_at_period_end`, or by `cancel_at` alone, as the portal does with flexible
 * billing. A subscription schedule sets `cancel_at` years ahead, so the period ends earlier. Items of other products can
 * have other periods, which grant nothing (contract 1.7).
 * @param productIds our products
 */
export function readState(
  subscription: Stripe.Subscription,
  product: Product,
  productIds: readonly string[],
): SubscriptionState {
  const { start, end } = readPeriod(subscription, productIds);
  const scheduled = subscription.cancel_at === null ? end : Math.min(subscription.cancel_at, end);
  return {
    ...product,
    stpPriceIds: ourPrices(subscription, productIds),
    stpCustomerId: idOf(subscription.customer),
    status: subscription.status,
    startsAt: iso(start),
    endsAt: iso(subscription.ended_at ?? scheduled),
    cancelAt: isoOrNull(subscription.cancel_at),
    cancelType: readCancelType(subscription),
    cancelledAt: isoOrNull(subscription.canceled_at),
    isEndScheduledByNest: isScheduledByNest(subscription),
    pausedCollection: subscription.pause_collection?.behavior ?? null,
    ...(subscription.status === "incomplete" ? { wasIncomplete: true } : {}),
  };
}

/** The items of a subscription that are for our products. */
export function ourItems({ items }: Stripe.Subscription, productIds: readonly string[]) {
  return (items?.data ?? []).filter(({ price }) => productIds.includes(idOf(price.product)));
}

/** The prices of a subscription's items that are for our products, sorted. */
export function ourPrices(subscription: Stripe.Subscription, productIds: readonly string[]): string[] {
  return [...new Set(ourItems(subscription, productIds).map(({ price }) => price.id))].sort();
}

/** Metadata of a trial that ends by itself, because its customer has a card that nobody agreed to charge. */
export const SCHEDULED_BY_NEST = { scheduled_by: "nest" };

/**
 * Whether Nest scheduled the end of a trial when it created it, and its owner did not change that since. The portal sets
 * `cancel_at` alone when an owner cancels.
 */
export function isScheduledByNest({ cancel_at_period_end, metadata }: Stripe.Subscription): boolean {
  return cancel_at_period_end && metadata?.scheduled_by === SCHEDULED_BY_NEST.scheduled_by;
}

/** The current period of the items of our products, in Unix seconds. Without such items, that of all items. */
export function readPeriod(subscription: Stripe.Subscription, productIds: readonly string[]) {
  const items = subscription.items?.data ?? [];
  const ours = ourItems(subscription, productIds);
  const counted = ours.length > 0 ? ours : items;
  const legacy = subscription as LegacyPeriod;
  const starts = present(counted.map((item) => item.current_period_start));
  const ends = present(counted.map((item) => item.current_period_end));
  const start =
    latest(starts) ?? legacy.current_period_start ?? subscription.start_date ?? subscription.created;
  return { start, end: latest(ends) ?? legacy.current_period_end ?? subscription.trial_end ?? start };
}

const latest = (times: readonly number[]) => (times.length > 0 ? Math.max(...times) : null);

function readCancelType(subscription: Stripe.Subscription): CancelType | null {
  const isScheduled = subscription.cancel_at_period_end || subscription.cancel_at !== null;
  if (subscription.status !== "canceled") return isScheduled ? "period_end" : null;
  return subscription.cancel_at_period_end || subscription.ended_at !== subscription.canceled_at
    ? "period_end"
    : "immediate";
}
