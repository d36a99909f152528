import type Stripe from "stripe";
import type { CheckoutCore } from "#core/billing/plans/checkout_core.ts";
import type { Buyer } from "#core/billing/plans/checkout_customer.ts";
import { expireSession } from "#core/billing/plans/expire_session.ts";
import type { Order } from "#core/billing/plans/next_checkout.ts";
import { NestError } from "#core/errors.ts";
import type { Checkout } from "#core/repositories/checkouts.ts";
import { stripeRefusal } from "#core/services/stripe.ts";

/** Reads a session with its subscription. @returns null if Stripe does not have it */
export async function readSession(core: CheckoutCore, id: string): Promise<Stripe.Checkout.Session | null> {
  try {
    return await core.stripe.request((stripe, options) =>
      stripe.checkout.sessions.retrieve(id, { expand: ["subscription"] }, options),
    );
  } catch (error) {
    if (stripeRefusal(error)?.code === "resource_missing") return null;
    throw error;
  }
}

/**
 * Checks that a paid session did not buy the plan of an order. The event of the purchase may not have arrived yet. A
 * subscription that does not renew can be bought again.
 * @throws NestError already_subscribed
 */
export function requireNotBought(
  { subscription }: Stripe.Checkout.Session,
  { subscriptions }: Buyer,
  { priceId }: Order,
): void {
  if (subscription === null || typeof subscription === "string" || !renews(subscription)) return;
  if (!subscription.items.data.some(({ price }) => price.id === priceId)) return;
  const isStored = subscriptions.some(({ stpSubscriptionId }) => stpSubscriptionId === subscription.id);
  if (!isStored) throw new NestError("already_subscribed", { detail: "its event has not arrived yet" });
}

const renews = ({ status, cancel_at, cancel_at_period_end }: Stripe.Subscription) =>
  status === "active" && cancel_at === null && !cancel_at_period_end;

/**
 * Ends the session that the next one replaces. It may have been paid meanwhile, for the same plan.
 * @throws NestError `already_subscribed`, `stripe_error`, `unavailable`
 */
export async function endReplaced(
  core: CheckoutCore,
  buyer: Buyer,
  order: Order,
  { replacedSessionId: id }: Pick<Checkout, "replacedSessionId">,
): Promise<void> {
  if (id === null || (await expireSession(core.stripe, id))) return;
  const session = await readSession(core, id);
  if (session?.status === "complete") requireNotBought(session, buyer, order);
}
