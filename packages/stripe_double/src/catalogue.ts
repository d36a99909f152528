import type { Coupon, Discount, Plan, Price, Product, PromotionCode } from "./types.ts";
import { newId, type World } from "./world.ts";

export const BEAK_PRODUCT = "prod_beak";
export const BEAK_PRICE = "price_1JhiGIATHKHpwoLyyxI5cCKU";

export function createProduct(
  world: World,
  { id = newId("prod", 14), name, description = null, metadata = {} }: ProductDetails,
): Product {
  const product: Product = {
    id,
    object: "product",
    active: true,
    created: world.now(),
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
    updated: world.now(),
    url: null,
  };
  world.tables.products.set(id, product);
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
  currency: string;
  unitAmount: number;
  recurring: { interval: "day" | "week" | "month" | "year"; intervalCount: number } | null;
  nickname?: string | null;
  lookupKey?: string | null;
  metadata?: Record<string, string>;
}

export function createPrice(world: World, details: PriceDetails): Price {
  const { id = newId("price"), recurring } = details;
  const price: Price = {
    id,
    object: "price",
    active: true,
    billing_scheme: "per_unit",
    created: world.now(),
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
  world.tables.prices.set(id, price);
  return price;
}

/** The older view of a recurring price, which subscription items still carry. */
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

export interface PromotionDetails {
  /** The promotion code's id. */
  id?: string;
  /** What a person types. */
  code?: string;
  percentOff?: number;
}

/** A coupon for every invoice, and a code for it. */
export function createPromotionCode(world: World, details: PromotionDetails = {}): PromotionCode {
  const { id = newId("promo"), code = id.toUpperCase(), percentOff = 100 } = details;
  const coupon: Coupon = {
    id: newId("coupon", 8).slice("coupon_".length),
    object: "coupon",
    amount_off: null,
    created: world.now(),
    currency: null,
    duration: "forever",
    duration_in_months: null,
    livemode: false,
    max_redemptions: null,
    metadata: {},
    name: null,
    percent_off: percentOff,
    redeem_by: null,
    times_redeemed: 0,
    valid: true,
  };
  const promotion: PromotionCode = {
    id,
    object: "promotion_code",
    active: true,
    code,
    created: world.now(),
    customer: null,
    customer_account: null,
    expires_at: null,
    livemode: false,
    max_redemptions: null,
    metadata: {},
    promotion: { coupon: coupon.id, type: "coupon" },
    restrictions: { first_time_transaction: false, minimum_amount: null, minimum_amount_currency: null },
    times_redeemed: 0,
  };
  world.tables.coupons.set(coupon.id, coupon);
  world.tables.promotionCodes.set(id, promotion);
  return promotion;
}

/** A coupon in use by a subscription. */
export function createDiscount(
  world: World,
  details: { coupon: string; promotionCode: string | null; customer: string; subscription: string },
): Discount {
  const discount: Discount = {
    id: newId("di"),
    object: "discount",
    checkout_session: null,
    customer: details.customer,
    customer_account: null,
    end: null,
    invoice: null,
    invoice_item: null,
    promotion_code: details.promotionCode,
    source: { coupon: details.coupon, type: "coupon" },
    start: world.now(),
    subscription: details.subscription,
    subscription_item: null,
  };
  world.tables.discounts.set(discount.id, discount);
  return discount;
}

/** An amount after a subscription's discounts. */
export function discounted(world: World, amount: number, discounts: readonly string[]): number {
  let rest = amount;
  for (const id of discounts) {
    const coupon = world.tables.coupons.get(world.tables.discounts.get(id)?.source.coupon ?? "");
    if (coupon === undefined) continue;
    rest -= coupon.amount_off ?? Math.round((rest * (coupon.percent_off ?? 0)) / 100);
  }
  return Math.max(0, rest);
}

/** What every account of the double sells. */
export function seedCatalogue(world: World): void {
  createProduct(world, { id: BEAK_PRODUCT, name: "Beak" });
  createPrice(world, {
    id: BEAK_PRICE,
    product: BEAK_PRODUCT,
    currency: "gbp",
    unitAmount: 499,
    recurring: { interval: "month", intervalCount: 1 },
  });
}
