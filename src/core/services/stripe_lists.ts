import type Stripe from "stripe";
import { listAll, type StripeApi, stripeRefusal } from "#core/services/stripe.ts";

/**
 * Lists all items that belong to a customer, or none if Stripe does not have the customer anymore.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function listOrNone<Item>(
  stripe: StripeApi,
  list: (sdk: Stripe, options: Stripe.RequestOptions) => AsyncIterable<Item>,
): Promise<Item[]> {
  try {
    return await stripe.request((sdk, options) => listAll(list(sdk, options)));
  } catch (error) {
    if (stripeRefusal(error)?.code === "resource_missing") return [];
    throw error;
  }
}
