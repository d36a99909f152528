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

/** API versions before 2025-03-31 have the period on the subscription instead of its items. */
interface LegacyPeriod {
  current_period_start?: number | null;
  current_period_end?: number | null;
}

const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
const isoOrNull = (seconds: number | null | undefined) => (seconds == null ? null : iso(seconds));
const idOf = (value: string | { id: string }) => (typeof value === "string" ? value : value.id);
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
 * The part of a Stripe subscription that is stored.
 *
 * A cancellation is scheduled by `cancel_at_period_end`, or by `cancel_at` alone, as the portal does with flexible
 * billing. Access ends at `ended_at`, else `cancel_at`, else with the latest period of an item (contract 1.3).
 */
export function readState(subscription: Stripe.Subscription, product: Product): SubscriptionState {
  const legacy = subscription as LegacyPeriod;
  const items = subscription.items?.data ?? [];
  const starts = present([...items.map((item) => item.current_period_start), legacy.current_period_start]);
  const ends = present([...items.map((item) => item.current_period_end), legacy.current_period_end]);
  const startsAt =
    starts.length > 0 ? Math.max(...starts) : (subscription.start_date ?? subscription.created);
  const periodEnd = ends.length > 0 ? Math.max(...ends) : (subscription.trial_end ?? startsAt);
  return {
    ...product,
    stpCustomerId: idOf(subscription.customer),
    status: subscription.status,
    startsAt: iso(startsAt),
    endsAt: iso(subscription.ended_at ?? subscription.cancel_at ?? periodEnd),
    cancelAt: isoOrNull(subscription.cancel_at),
    cancelType: readCancelType(subscription),
    cancelledAt: isoOrNull(subscription.canceled_at),
  };
}

function readCancelType(subscription: Stripe.Subscription): CancelType | null {
  const isScheduled = subscription.cancel_at_period_end || subscription.cancel_at !== null;
  if (subscription.status !== "canceled") return isScheduled ? "period_end" : null;
  return subscription.cancel_at_period_end || subscription.ended_at !== subscription.canceled_at
    ? "period_end"
    : "immediate";
}
