import type Stripe from "stripe";
import type { StripeApi } from "#core/services/stripe.ts";

/** Used by batch commands only, so a long timeout is fine: Stripe takes a while for a page of 100 items. */
const PAGE_LIMIT_MS = 20_000;
const RETRIES = 3;

/**
 * Reads a Stripe list to its end, newest first.
 * @param pick maps an item to the value to keep, or to null to skip it
 * @throws NestError stripe_error
 */
export function readAll<Item, Kept>(
  stripe: StripeApi,
  list: (sdk: Stripe, options: Stripe.RequestOptions) => AsyncIterable<Item>,
  pick: (item: Item) => Kept | null,
): Promise<Kept[]> {
  return stripe.request(
    async (sdk, options) => {
      const kept: Kept[] = [];
      for await (const item of list(sdk, { ...options, maxNetworkRetries: RETRIES })) {
        const picked = pick(item);
        if (picked !== null) kept.push(picked);
      }
      return kept;
    },
    { limitMs: PAGE_LIMIT_MS },
  );
}
