import { _default, enum as oneOf, optional, pipe, refine, regex, string, transform } from "zod/mini";
import { integer, secret } from "#core/config.ts";

/** What to do with a trial whose card was used for another user's subscription before. */
const TRIAL_CARD_POLICIES = ["allow", "flag", "end"] as const;

/** A comma-separated list of at least one id or secret. */
const list = (shape: RegExp) =>
  pipe(
    string().check(refine((value) => value.split(",").every((part) => shape.test(part.trim())))),
    transform((value: string) => value.split(",").map((part) => part.trim())),
  );

/** Which Stripe subscriptions belong to this service, and how a trial is created. */
export const billingVariables = {
  STRIPE_PRICE_ID: string().check(regex(/^price_\w+$/)),
  STRIPE_PRODUCT_IDS: list(/^prod_\w+$/),
  TRIAL_DAYS: _default(integer(1, 730), 14),
  /** Days for which a subscription stays usable after its oldest open invoice was created. */
  PAST_DUE_DAYS: _default(integer(0, 90), 7),
  TRIAL_CARD_POLICY: _default(oneOf(TRIAL_CARD_POLICIES), "allow"),
  /** Outside production, every subscription that is not a trial needs this promotion code. */
  REQUIRED_PROMOTION_CODE_ID: optional(string().check(regex(/^promo_\w+$/))),
};

/** Several secrets may be valid at once, so that one can be rotated without losing an event. */
export const webhookVariables = { STRIPE_WEBHOOK_SECRETS: secret(list(/^whsec_\w+$/)) };

export interface BillingSettings {
  priceId: string;
  productIds: readonly string[];
  trialDays: number;
  pastDueDays: number;
  trialCardPolicy: (typeof TRIAL_CARD_POLICIES)[number];
  requiredPromotionCodeId: string | null;
}
