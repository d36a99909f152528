import { array, literal, enum as oneOf, optional, type output, strictObject, union } from "zod/mini";
import type { Account } from "./account.ts";
import { ApiError, invalidRequest, unknownReference } from "./api_error.ts";
import { paymentMethodFor, startSubscription } from "./billing.ts";
import { requireReferencedCustomer } from "./customers.ts";
import { emptyString, expand, flag, integer, mergeMetadata, metadata, text } from "./params.ts";
import { DAY_SECONDS } from "./periods.ts";
import { changeSubscription, validateCancelAt } from "./subscription_changes.ts";
import type { ItemDetails, SubscriptionDetails } from "./subscription_object.ts";
import type { Subscription } from "./types.ts";

const missingMethod = oneOf(["cancel", "create_invoice", "pause"]);
export const trialSettings = optional(
  strictObject({ end_behavior: strictObject({ missing_payment_method: missingMethod }) }),
);
const paymentSettings = optional(
  strictObject({
    save_default_payment_method: optional(oneOf(["off", "on_subscription"])),
    payment_method_types: optional(array(literal("card"))),
  }),
);
export const proration = optional(oneOf(["always_invoice", "create_prorations", "none"]));
export const behavior = optional(
  oneOf(["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"]),
);
/** The parameters of `POST /v1/subscriptions`. */
export const creationParams = strictObject({
  customer: text,
  items: array(strictObject({ price: text, quantity: optional(integer), metadata })),
  trial_period_days: optional(integer),
  trial_end: optional(union([literal("now"), integer])),
  trial_settings: trialSettings,
  metadata,
  description: optional(text),
  default_payment_method: optional(text),
  payment_settings: paymentSettings,
  payment_behavior: behavior,
  proration_behavior: proration,
  off_session: optional(flag),
  collection_method: optional(literal("charge_automatically")),
  currency: optional(text),
  cancel_at: optional(union([integer, oneOf(["min_period_end", "max_period_end"])])),
  cancel_at_period_end: optional(flag),
  billing_mode: optional(strictObject({ type: oneOf(["classic", "flexible"]) })),
  discounts: optional(
    union([emptyString, array(strictObject({ coupon: optional(text), promotion_code: optional(text) }))]),
  ),
  expand,
});
type Creation = output<typeof creationParams>;

/**
 * Creates a subscription from the parameters of the API.
 * @throws ApiError if a parameter is invalid, or if the payment fails with `error_if_incomplete`
 */
export function createFromParams(account: Account, params: Creation): Subscription {
  const customer = requireReferencedCustomer(account, params.customer);
  const details: SubscriptionDetails = {
    customer: customer.id,
    items: sellableItems(account, params.items, "items"),
    trialEnd: trialEndOf(account, params),
    missingPaymentMethod: params.trial_settings?.end_behavior.missing_payment_method,
    metadata: mergeMetadata(null, params.metadata),
    description: params.description,
    billingMode: params.billing_mode?.type,
    paymentSettings: {
      saveDefault: params.payment_settings?.save_default_payment_method,
      types: params.payment_settings?.payment_method_types,
    },
    defaultPaymentMethod: ownMethod(account, params.default_payment_method, customer.id),
    discounts: discountsOf(account, params.discounts || []),
  };
  if (details.items.length === 0) {
    throw invalidRequest("Missing required param: items.", { code: "parameter_missing", param: "items" });
  }
  requirePayable(account, params, details);
  const { cancel_at, cancel_at_period_end } = params;
  validateCancelAt(account, { cancel_at, cancel_at_period_end });
  const isPaidLater = params.payment_behavior === "default_incomplete";
  const subscription = startSubscription(account, details, { isPaidLater });
  if (cancel_at !== undefined || cancel_at_period_end) {
    changeSubscription(account, subscription, { cancel_at, cancel_at_period_end });
  }
  return subscription;
}

/**
 * The items of an order.
 * @param param the parameter that names them
 * @throws ApiError if a price is unknown, inactive or not recurring
 */
export function sellableItems(
  account: Account,
  wanted: readonly { price: string; quantity?: number | undefined; metadata?: Creation["metadata"] }[],
  param: string,
): ItemDetails[] {
  return wanted.map(({ price: id, quantity, metadata: given }, index) => {
    const price = account.tables.prices.get(id);
    if (price === undefined) throw unknownReference("price", id, `${param}[${index}][price]`);
    if (price.recurring === null) {
      throw invalidRequest(
        "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
        { param: `${param}[${index}]` },
      );
    }
    if (!price.active) {
      throw invalidRequest("The price specified is inactive. This field only accepts active prices.", {
        param: `${param}[${index}][price]`,
      });
    }
    return { price, quantity, metadata: mergeMetadata(null, given) };
  });
}

function trialEndOf(account: Account, params: Creation): number | null {
  const { trial_period_days: days, trial_end: end } = params;
  if (days !== undefined && end !== undefined) {
    throw invalidRequest("You can only specify one of these parameters: trial_end, trial_period_days.");
  }
  if (typeof end === "number") {
    if (end <= account.now()) {
      throw invalidRequest("Invalid timestamp: must be an integer Unix timestamp in the future.", {
        param: "trial_end",
      });
    }
    return end;
  }
  if (days === undefined) return null;
  if (days < 1 || days > 730) {
    throw invalidRequest("Trial periods are from 1 to 730 days.", { param: "trial_period_days" });
  }
  return account.now() + days * DAY_SECONDS;
}

function ownMethod(account: Account, id: string | undefined, customer: string): string | null {
  if (id === undefined) return null;
  if (account.tables.paymentMethods.get(id)?.customer === customer) return id;
  throw unknownReference("PaymentMethod", id, "default_payment_method");
}

function discountsOf(account: Account, wanted: { coupon?: string; promotion_code?: string }[]) {
  return wanted.map(({ coupon, promotion_code: code = null }, index) => {
    const promotion = code === null ? undefined : account.tables.promotionCodes.get(code);
    if (code !== null && promotion === undefined) {
      throw unknownReference("promotion code", code, `discounts[${index}][promotion_code]`);
    }
    const id = promotion?.promotion.coupon ?? coupon ?? "";
    if (!account.tables.coupons.has(id)) {
      throw unknownReference("coupon", id, `discounts[${index}][coupon]`);
    }
    return { coupon: id, promotionCode: code };
  });
}

/** Rejects a subscription that has no payment method, or whose card declines if `payment_behavior` forbids that. */
function requirePayable(account: Account, params: Creation, details: SubscriptionDetails): void {
  if (details.trialEnd !== null || params.payment_behavior === "default_incomplete") return;
  if (details.discounts?.some(({ coupon }) => account.tables.coupons.get(coupon)?.percent_off === 100))
    return;
  const method = paymentMethodFor(account, details.customer, details.defaultPaymentMethod ?? null);
  if (method === null) {
    throw invalidRequest(
      "This customer has no attached payment source or default payment method. Please consider adding a default payment method.",
      { code: "resource_missing" },
    );
  }
  if (params.payment_behavior !== "error_if_incomplete" || account.cards.get(method.id) !== "declines")
    return;
  throw new ApiError(402, {
    type: "card_error",
    code: "card_declined",
    decline_code: "generic_decline",
    message: "Your card was declined.",
  });
}
