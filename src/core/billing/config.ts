import { _default, enum as oneOf, optional, pipe, refine, regex, string, transform } from "zod/mini";
import { integer, secret } from "#core/config.ts";

/** What happens to a trial with a card that another person's subscription had before. */
const TRIAL_CARD_POLICIES = ["allow", "flag", "end"] as const;

/** Comma-separated names, at least one. */
const list = (shape: RegExp) =>
  pipe(
    string().check(refine((value) => value.split(",").every((part) => shape.test(part.trim())))),
    transform((value: string) => value.split(",").map((part) => part.trim())),
  );

/** Which of Stripe's subscriptions are ours, and how a trial is made. */
export const billingVariables = {
  STRIPE_PRICE_ID: string().check(regex(/^price_\w+$/)),
  STRIPE_PRODUCT_IDS: list(/^prod_\w+$/),
  TRIAL_DAYS: _default(integer(1, 730), 14),
  TRIAL_CARD_POLICY: _default(oneOf(TRIAL_CARD_POLICIES), "allow"),
  /** Outside production, a subscription that is no trial needs this promotion code. */
  REQUIRED_PROMOTION_CODE_ID: optional(string().check(regex(/^promo_\w+$/))),
};

/** Several, so that a secret can be changed without losing an event. */
export const webhookVariables = { STRIPE_WEBHOOK_SECRETS: secret(list(/^whsec_\w+$/)) };

export interface BillingSettings {
  priceId: string;
  productIds: readonly string[];
  trialDays: number;
  trialCardPolicy: (typeof TRIAL_CARD_POLICIES)[number];
  requiredPromotionCodeId: string | null;
}
