import { type Account, newId } from "./account.ts";
import type { Coupon, Discount, PromotionCode } from "./types.ts";

export interface PromotionDetails {
  /** The id of the promotion code, such as `promo_1`. */
  id?: string;
  /** What the customer types. Default: the id in upper case. */
  code?: string;
  /** 1 to 100. Default: 100. */
  percentOff?: number;
}

/** Stores a coupon that applies to every invoice of a subscription, and a promotion code for it. */
export function createPromotionCode(account: Account, details: PromotionDetails = {}): PromotionCode {
  const { id = newId("promo"), code = id.toUpperCase(), percentOff = 100 } = details;
  const coupon: Coupon = {
    id: newId("coupon", 8).slice("coupon_".length),
    object: "coupon",
    amount_off: null,
    created: account.now(),
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
    created: account.now(),
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
  account.tables.coupons.set(coupon.id, coupon);
  account.tables.promotionCodes.set(id, promotion);
  return promotion;
}

/** Stores the discount that applies a coupon to a subscription. */
export function createDiscount(
  account: Account,
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
    start: account.now(),
    subscription: details.subscription,
    subscription_item: null,
  };
  account.tables.discounts.set(discount.id, discount);
  return discount;
}

/** The amount that is left after discounts are subtracted. */
export function discounted(account: Account, amount: number, discounts: readonly string[]): number {
  let rest = amount;
  for (const id of discounts) {
    const coupon = account.tables.coupons.get(account.tables.discounts.get(id)?.source.coupon ?? "");
    if (coupon === undefined) continue;
    rest -= coupon.amount_off ?? Math.round((rest * (coupon.percent_off ?? 0)) / 100);
  }
  return Math.max(0, rest);
}
