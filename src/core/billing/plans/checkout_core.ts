import type { BillingSettings } from "#core/billing/config.ts";
import type { Core } from "#core/core.ts";
import type { StripeApi } from "#core/services/stripe.ts";

/** The dependencies of creating a checkout. */
export type CheckoutCore = Pick<Core, "checkouts" | "clock" | "providerMappings" | "sessions" | "stage"> & {
  stripe: StripeApi;
  billing: Pick<BillingSettings, "requiredPromotionCodeId">;
};
