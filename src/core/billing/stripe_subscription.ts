import type Stripe from "stripe";
import { type StripeApi, stripeRefusal } from "#core/clients/stripe.ts";

/**
 * A subscription as Stripe has it now, with its customer and discounts, or null if Stripe knows none by that id. Events
 * come late, twice and out of order: only what is read now counts (contract 1.3).
 */
export async function retrieveSubscription(
  { stripe }: { stripe: StripeApi },
  id: string,
  deadline: number,
): Promise<Stripe.Subscription | null> {
  try {
    return await stripe.request({ deadline }, (sdk, options) =>
      sdk.subscriptions.retrieve(id, { expand: ["customer", "discounts"] }, options),
    );
  } catch (error) {
    if (stripeRefusal(error)?.code === "resource_missing") return null;
    throw error;
  }
}

/** The customer's address as Stripe has it; null if it has none or was deleted. */
export function customerAddress({ customer }: Stripe.Subscription): string | null {
  if (typeof customer === "string" || customer.deleted) return null;
  return customer.email || null;
}
