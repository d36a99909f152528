import { type Account, newId } from "./account.ts";
import type { Plan, Price, Product } from "./types.ts";

/** Stores the products and prices that the account starts with. */
export function seedCatalog(account: Account): void {
  for (const { id: product, name, prices } of account.settings.products) {
    createProduct(account, { id: product, name });
    for (const { id, currency, unitAmount, interval } of prices) {
      createPrice(account, { id, product, currency, unitAmount, recurring: { interval, intervalCount: 1 } });
    }
  }
}

/** The price of subscriptions that are created without naming one: the first seeded price. */
export function defaultPriceId({ settings }: Account): string {
  return settings.products.flatMap(({ prices }) => prices)[0]?.id ?? "";
}

/** Stores a new product. */
export function createProduct(
  account: Account,
  { id = newId("prod", 14), name, description = null, metadata = {} }: ProductDetails,
): Product {
  const product: Product = {
    id,
    object: "product",
    active: true,
    created: account.now(),
    default_price: null,
    description,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata,
    name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: "service",
    unit_label: null,
    updated: account.now(),
    url: null,
  };
  account.tables.products.set(id, product);
  return product;
}

interface ProductDetails {
  id?: string;
  name: string;
  description?: string | null;
  metadata?: Record<string, string>;
}

export interface PriceDetails {
  id?: string;
  product: string;
  /** Three lower-case letters (ISO 4217). */
  currency: string;
  /** In the smallest unit of the currency. */
  unitAmount: number;
  recurring: { interval: "day" | "week" | "month" | "year"; intervalCount: number } | null;
  nickname?: string | null;
  lookupKey?: string | null;
  metadata?: Record<string, string>;
}

/** Stores a new price. */
export function createPrice(account: Account, details: PriceDetails): Price {
  const { id = newId("price"), recurring } = details;
  const price: Price = {
    id,
    object: "price",
    active: true,
    billing_scheme: "per_unit",
    created: account.now(),
    currency: details.currency,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: details.lookupKey ?? null,
    metadata: details.metadata ?? {},
    nickname: details.nickname ?? null,
    product: details.product,
    recurring: recurring && {
      interval: recurring.interval,
      interval_count: recurring.intervalCount,
      meter: null,
      trial_period_days: null,
      usage_type: "licensed",
    },
    tax_behavior: "unspecified",
    tiers_mode: null,
    transform_quantity: null,
    type: recurring === null ? "one_time" : "recurring",
    unit_amount: details.unitAmount,
    unit_amount_decimal: String(details.unitAmount),
  };
  account.tables.prices.set(id, price);
  return price;
}

/** The legacy plan object of a recurring price. Subscription items still contain it. */
export function planOf(price: Price): Plan {
  return {
    id: price.id,
    object: "plan",
    active: price.active,
    amount: price.unit_amount,
    amount_decimal: price.unit_amount_decimal,
    billing_scheme: price.billing_scheme,
    created: price.created,
    currency: price.currency,
    interval: price.recurring?.interval ?? "month",
    interval_count: price.recurring?.interval_count ?? 1,
    livemode: false,
    metadata: price.metadata,
    meter: null,
    nickname: price.nickname,
    product: price.product,
    tiers_mode: null,
    transform_usage: null,
    trial_period_days: null,
    usage_type: "licensed",
  };
}
