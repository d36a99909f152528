import type Stripe from "stripe";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { type StripeApi, stripeRefusal } from "#core/services/stripe.ts";

/**
 * Reads a subscription from Stripe, with its customer, discounts and latest invoice. Events arrive late, twice and out of order, so only
 * this reading counts (contract 1.3).
 * @returns null if Stripe has no such subscription
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function retrieveSubscription(
  { stripe }: { stripe: StripeApi },
  id: string,
): Promise<Stripe.Subscription | null> {
  try {
    return await stripe.request((sdk, options) =>
      sdk.subscriptions.retrieve(id, { expand: ["customer", "discounts", "latest_invoice"] }, options),
    );
  } catch (error) {
    if (stripeRefusal(error)?.code === "resource_missing") return null;
    throw error;
  }
}

/**
 * Cancels a subscription at once, without a charge or a credit. Safe to repeat.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function cancelNow(core: { stripe: StripeApi }, id: string): Promise<void> {
  try {
    await core.stripe.request((stripe, options) =>
      stripe.subscriptions.cancel(id, { prorate: false, invoice_now: false }, options),
    );
  } catch (error) {
    // The response may be lost, or the subscription may have ended before: only its status counts.
    const current = await retrieveSubscription(core, id);
    if (current && !hasEnded(current.status)) throw error;
  }
}

/**
 * The customer's email address at Stripe.
 * @returns null if the customer has none or was deleted
 */
export function customerAddress({ customer }: Stripe.Subscription): string | null {
  if (typeof customer === "string" || customer.deleted) return null;
  return customer.email || null;
}

/**
 * Whether Stripe will charge a payment method when the trial of a subscription ends. A cancellation that is scheduled for
 * a later time comes after the first payment.
 */
export function isChargedAtTrialEnd(subscription: Stripe.Subscription): boolean {
  const { cancel_at, cancel_at_period_end, trial_end, default_payment_method, default_source } = subscription;
  const isCanceledFirst = cancel_at !== null && cancel_at <= (trial_end ?? cancel_at);
  if (cancel_at_period_end || isCanceledFirst) return false;
  return (default_payment_method ?? default_source ?? customerMethod(subscription.customer)) !== null;
}

/** The payment method of a customer's subscriptions that have none of their own. */
export function customerMethod(customer: Stripe.Subscription["customer"]) {
  if (typeof customer === "string" || customer.deleted) return null;
  return customer.invoice_settings.default_payment_method ?? customer.default_source;
}
