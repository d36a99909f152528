import type { PriceSeed, ProductSeed } from "#stripe_double/settings.ts";
import {
  type StripeDouble,
  type StripeDoubleOptions,
  startStripeDouble,
} from "#stripe_double/stripe_double.ts";

export const BEAK_PRODUCT = "prod_beak";
export const BEAK_PRICE = "price_1JhiGIATHKHpwoLyyxI5cCKU";

/**
 * Starts a Stripe double whose account is Beak's: it sells one product for 4.99 GBP a month.
 * @param plans more prices of the product
 * @param others other products of the account
 */
export function startBeakStripeDouble(
  options: StripeDoubleOptions = {},
  plans: readonly PriceSeed[] = [],
  others: readonly ProductSeed[] = [],
): Promise<StripeDouble> {
  const price = { id: BEAK_PRICE, currency: "gbp", unitAmount: 499, interval: "month" } as const;
  const products = [{ id: BEAK_PRODUCT, name: "Beak", prices: [price, ...plans] }, ...others];
  return startStripeDouble({ ...options, account: { name: "Beak", country: "GB", products } });
}
