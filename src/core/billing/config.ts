import { _default, enum as oneOf, optional, pipe, refine, regex, string, transform } from "zod/mini";
import type { App } from "#core/app/app.ts";
import { type StagePlan, stagePlans, trialPlanOf } from "#core/billing/plans/stage_plans.ts";
import { type Environment, integer, readConfig, secret } from "#core/config.ts";

/** What to do with a trial whose card was used for another user's subscription before. */
const TRIAL_CARD_POLICIES = ["allow", "flag", "end"] as const;

/** For the unused trials of an app that no longer has a plan with a trial. */
const DEFAULT_TRIAL_DAYS = 14;

/** A comma-separated list of at least one id or secret. */
const list = (shape: RegExp) =>
  pipe(
    string().check(refine((value) => value.split(",").every((part) => shape.test(part.trim())))),
    transform((value: string) => value.split(",").map((part) => part.trim())),
  );

/** How subscriptions are treated, and what replaces values of the app's plans. */
export const billingVariables = {
  STAGE: oneOf(["local", "nonprod", "prod"]),
  /** Replaces the price of the plan that a trial subscribes to. */
  STRIPE_PRICE_ID: optional(string().check(regex(/^price_\w+$/))),
  /** The first replaces the product of the plan that a trial subscribes to. Subscriptions to the others are ours too. */
  STRIPE_PRODUCT_IDS: optional(list(/^prod_\w+$/)),
  /** Replaces the length of the trial. */
  TRIAL_DAYS: optional(integer(1, 730)),
  /** Days for which a subscription stays usable after its oldest open invoice was created. */
  PAST_DUE_DAYS: _default(integer(0, 90), 7),
  TRIAL_CARD_POLICY: _default(oneOf(TRIAL_CARD_POLICIES), "allow"),
  /** Outside production, every subscription that is not a trial needs this promotion code. */
  REQUIRED_PROMOTION_CODE_ID: optional(string().check(regex(/^promo_\w+$/))),
};

/** Several secrets may be valid at once, so that one can be rotated without losing an event. */
export const webhookVariables = { STRIPE_WEBHOOK_SECRETS: secret(list(/^whsec_\w+$/)) };

export interface BillingSettings {
  /** What the stage sells, in the order of the app file. */
  plans: readonly StagePlan[];
  /** The price that a trial subscribes to; null if no plan has a trial. */
  trialPriceId: string | null;
  /** The products whose subscriptions are ours. */
  productIds: readonly string[];
  trialDays: number;
  pastDueDays: number;
  trialCardPolicy: (typeof TRIAL_CARD_POLICIES)[number];
  requiredPromotionCodeId: string | null;
}

/** The length of the app's trial, or of a trial that it once had. It is the same on every stage. */
export function readTrialDays(environment: Environment, { plans }: Pick<App, "plans">): number {
  const { TRIAL_DAYS } = readConfig({ TRIAL_DAYS: billingVariables.TRIAL_DAYS }, environment);
  return TRIAL_DAYS ?? trialPlanOf(plans)?.trialDays ?? DEFAULT_TRIAL_DAYS;
}

/**
 * Reads what a stage sells and how it treats subscriptions.
 * @throws ConfigError naming every wrong variable, or a plan without a price on the stage
 */
export function readBilling(environment: Environment, app: Pick<App, "plans">): BillingSettings {
  const config = readConfig(billingVariables, environment);
  const plans = stagePlans(app.plans, config.STAGE, {
    priceId: config.STRIPE_PRICE_ID,
    productId: config.STRIPE_PRODUCT_IDS?.[0],
    trialDays: config.TRIAL_DAYS,
  });
  const ofTrial = trialPlanOf(plans);
  return {
    plans,
    trialPriceId: ofTrial?.priceId ?? null,
    productIds: [
      ...new Set([...(config.STRIPE_PRODUCT_IDS ?? []), ...plans.map(({ productId }) => productId)]),
    ],
    trialDays: readTrialDays(environment, app),
    pastDueDays: config.PAST_DUE_DAYS,
    trialCardPolicy: config.TRIAL_CARD_POLICY,
    requiredPromotionCodeId: config.REQUIRED_PROMOTION_CODE_ID ?? null,
  };
}
