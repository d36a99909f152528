import { RefreshKeys, refreshKeyVariables } from "#core/auth/refresh_keys.ts";
import { BillingPortal } from "#core/billing/billing_portal.ts";
import { type BillingSettings, billingVariables, webhookVariables } from "#core/billing/config.ts";
import { openSes } from "#core/clients/ses.ts";
import { isLiveKey, StripeApi, stripeVariables } from "#core/clients/stripe.ts";
import { ConfigError, type Environment, readConfig } from "#core/config.ts";
import type { Part } from "#core/core.ts";
import { mailVariables } from "#core/email/config.ts";
import { Mailer } from "#core/email/mailer.ts";
import { NewsBoard } from "#core/news/news_items.ts";

/** Sends mail. */
export const mailer: Part<Mailer> = {
  variables: mailVariables,
  open(environment) {
    const config = readConfig(mailVariables, environment);
    const ses = openSes({ endpoint: config.SES_ENDPOINT, region: config.AWS_REGION });
    return new Mailer(ses, { from: config.MAIL_FROM, replyTo: config.MAIL_REPLY_TO });
  },
};

/** Rotates refresh tokens. */
export const refreshKeys: Part<RefreshKeys> = {
  variables: refreshKeyVariables,
  open: (environment) => new RefreshKeys(readConfig(refreshKeyVariables, environment).REFRESH_KEYS),
};

/** Keeps a copy of the news. */
export const newsBoard: Part<NewsBoard> = { variables: {}, open: () => new NewsBoard() };

/** @throws ConfigError also for a live key outside production, where subscriptions of real people would be cancelled */
function openStripe(environment: Environment): StripeApi {
  const config = readConfig(stripeVariables, environment);
  const isTestStage =
    ["local", "nonprod"].includes(environment.STAGE ?? "") && config.STRIPE_URL === undefined;
  if (isTestStage && isLiveKey(config.STRIPE_SECRET_KEY)) throw new ConfigError(["STRIPE_SECRET_KEY"]);
  return new StripeApi(config.STRIPE_SECRET_KEY, config.STRIPE_URL);
}

/** Talks to Stripe. */
export const stripe: Part<StripeApi> = { variables: stripeVariables, open: openStripe };

/** Makes links to Stripe's billing portal. */
export const billingPortal: Part<BillingPortal> = {
  variables: stripeVariables,
  open: (environment) => new BillingPortal(openStripe(environment)),
};

/** Knows which subscriptions are ours and how a trial is made. */
export const billing: Part<BillingSettings> = {
  variables: billingVariables,
  open(environment) {
    const config = readConfig(billingVariables, environment);
    return {
      priceId: config.STRIPE_PRICE_ID,
      productIds: config.STRIPE_PRODUCT_IDS,
      trialDays: config.TRIAL_DAYS,
      trialCardPolicy: config.TRIAL_CARD_POLICY,
      requiredPromotionCodeId: config.REQUIRED_PROMOTION_CODE_ID ?? null,
    };
  },
};

/** Proves that a webhook comes from Stripe. */
export const webhookSecrets: Part<readonly string[]> = {
  variables: webhookVariables,
  open: (environment) => readConfig(webhookVariables, environment).STRIPE_WEBHOOK_SECRETS,
};
