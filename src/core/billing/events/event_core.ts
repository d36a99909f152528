import type { BillingSettings } from "#core/billing/config.ts";
import type { Core } from "#core/core.ts";
import type { Mailer } from "#core/messages/mailer.ts";
import type { StripeApi } from "#core/services/stripe.ts";

/** The repositories and services that process Stripe's events. */
export type EventCore = Pick<
  Core,
  | "accountMembers"
  | "accounts"
  | "app"
  | "authorizations"
  | "clock"
  | "identifiers"
  | "log"
  | "mailEvents"
  | "providerMappings"
  | "sessions"
  | "stage"
  | "stripeEvents"
  | "subscriptions"
  | "trials"
  | "users"
> & { stripe: StripeApi; billing: BillingSettings; mailer: Mailer };
