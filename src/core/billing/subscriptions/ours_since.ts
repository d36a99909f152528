import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { listInvoices } from "#core/billing/payments/read_payments.ts";
import type { StripeReading } from "#core/billing/subscriptions/stripe_reading.ts";
import { idOf, iso } from "#core/billing/subscriptions/stripe_state.ts";
import type { Subscription, SubscriptionState } from "#core/repositories/subscriptions.ts";

/**
 * Derives from the invoices of a subscription when it was changed from another product to one of ours.
 * @param invoices all its invoices
 * @param state.changedBy the time of the event that showed our product, in Unix seconds
 * @returns Unix seconds; null if it was for one of our products from its creation
 */
export function changedToOursAt(
  invoices: readonly Pick<Stripe.Invoice, "lines">[],
  { created, changedBy, productIds }: { created: number; changedBy: number; productIds: readonly string[] },
): number | null {
  const lines = invoices.flatMap((invoice) => invoice.lines.data);
  const isOurs = ({ pricing }: Stripe.InvoiceLineItem) => {
    const product = pricing?.price_details?.product;
    return !product || productIds.includes(idOf(product));
  };
  if (lines.every(isOurs)) return null;
  const first = Math.min(changedBy, ...lines.filter(isOurs).map(({ period }) => period.start));
  return first <= created ? null : first;
}

/**
 * Reads when a subscription that was not stored at its creation was changed to one of our products. A subscription that was
 * never changed was not stored because its events were lost or late.
 * @returns the field to store
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function readOursSince(
  core: EventCore,
  { current: { id, created }, occurredAt }: StripeReading,
): Promise<Pick<SubscriptionState, "oursSince">> {
  const { productIds } = core.billing;
  const changedBy = occurredAt.getTime() / 1000;
  const since = changedToOursAt(await listInvoices(core, id), { created, changedBy, productIds });
  return since === null ? {} : { oursSince: iso(since) };
}

/**
 * The time at which a stored subscription was changed back to one of our products.
 * @returns the field to store; empty if it was not changed back
 */
export function changedBack(
  record: Subscription,
  { state, occurredAt }: StripeReading,
): Pick<SubscriptionState, "oursSince"> {
  if (!record.isOtherProduct || state.isOtherProduct) return {};
  const at = occurredAt.toISOString();
  // An older event can arrive late. The subscription was for another product when it was last read.
  return { oursSince: record.updatedAt !== null && record.updatedAt > at ? record.updatedAt : at };
}

/** When a subscription first was for one of our products, ISO 8601. */
export function becameOursAt({
  oursSince,
  stpCreatedAt,
}: Pick<Subscription, "oursSince" | "stpCreatedAt">): string {
  return oursSince ?? stpCreatedAt;
}
