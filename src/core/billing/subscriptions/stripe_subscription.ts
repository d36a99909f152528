import type Stripe from "stripe";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { type StripeApi, stripeRefusal } from "#core/services/stripe.ts";

/**
 * A subscription as Stripe has it now, with its customer and discounts, or null if Stripe knows none by that id. Events
 * come late, twice and out of order: only what is read now counts (contract 1.3).
 */
export async function retrieveSubscription(
  { stripe }: { stripe: StripeApi },
  id: string,
): Promise<Stripe.Subscription | null> {
  try {
    return await stripe.request((sdk, options) =>
      sdk.subscriptions.retrieve(id, { expand: ["customer", "discounts"] }, options),
    );
  } catch (error) {
    if (stripeRefusal(error)?.code === "resource_missing") return null;
    throw error;
  }
}

/**
 * Ends a subscription at this moment, with no charge and no credit. Safe to repeat.
 * @throws NestError stripe_error, unavailable
 */
export async function cancelNow(core: { stripe: StripeApi }, id: string): Promise<void> {
  try {
    await core.stripe.request((stripe, options) =>
      stripe.subscriptions.cancel(id, { prorate: false, invoice_now: false }, options),
    );
  } catch (error) {
    // What has ended is refused in words that depend on how it did, and an answer may be lost: where it stands tells.
    const current = await retrieveSubscription(core, id);
    if (current && !hasEnded(current.status)) throw error;
  }
}

/** The customer's address as Stripe has it; null if it has none or was deleted. */
export function customerAddress({ customer }: Stripe.Subscription): string | null {
  if (typeof customer === "string" || customer.deleted) return null;
  return customer.email || null;
}

/** Whether Stripe has something to charge when the trial of a subscription ends, and is going to. */
export function isChargedAtTrialEnd(subscription: Stripe.Subscription): boolean {
  const { cancel_at, cancel_at_period_end, default_payment_method, default_source } = subscription;
  if (cancel_at_period_end || cancel_at !== null) return false;
  return (default_payment_method ?? default_source ?? customerMethod(subscription.customer)) !== null;
}

/** What a customer's subscriptions are paid by that name nothing of their own. */
export function customerMethod(customer: Stripe.Subscription["customer"]) {
  if (typeof customer === "string" || customer.deleted) return null;
  return customer.invoice_settings.default_payment_method ?? customer.default_source;
}
