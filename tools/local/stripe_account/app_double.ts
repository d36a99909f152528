import currentApp from "#app";
import type { App } from "#core/app/app.ts";
import type { PriceSeed, ProductSeed } from "#stripe_double/settings.ts";
import {
  type StripeDouble,
  type StripeDoubleOptions,
  startStripeDouble,
} from "#stripe_double/stripe_double.ts";

interface AppDoubleOptions extends Omit<StripeDoubleOptions, "account"> {
  /** By default the app of this process. */
  app?: App;
  /** More prices of the first plan's product. */
  prices?: readonly PriceSeed[];
  /** Other products of the account. */
  others?: readonly ProductSeed[];
}

/** Starts a Stripe double whose account sells the plans of an app. */
export function startAppStripeDouble(options: AppDoubleOptions = {}): Promise<StripeDouble> {
  const { app = currentApp, prices = [], others = [], ...rest } = options;
  const [first, ...more] = productsOf(app);
  const products = first ? [{ ...first, prices: [...first.prices, ...prices] }, ...more] : more;
  return startStripeDouble({
    ...rest,
    account: { name: app.name, country: "GB", products: [...products, ...others] },
  });
}

/** The products of an app's plans on the stage `local`. Plans with the same product are its prices. */
function productsOf({ name, locales: [locale], plans }: App): ProductSeed[] {
  const products = new Map<string, ProductSeed>();
  for (const plan of plans) {
    const { priceId, productId } = plan.prices.local;
    const known = products.get(productId);
    const price = { id: priceId, ...plan.amount, interval: plan.interval };
    products.set(productId, {
      id: productId,
      name: known?.name ?? plan.name[locale] ?? name,
      prices: [...(known?.prices ?? []), price],
    });
  }
  return [...products.values()];
}
