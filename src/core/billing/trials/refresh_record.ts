import type { BillingSettings } from "#core/billing/config.ts";
import { advanceRecord } from "#core/billing/subscriptions/advance_record.ts";
import { readFullState } from "#core/billing/subscriptions/paid_period.ts";
import { hasEnded, readProduct } from "#core/billing/subscriptions/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Core } from "#core/core.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { StripeApi } from "#core/services/stripe.ts";

/** A subscription in one of these statuses does not prevent a trial. */
const UNPAID_STATUSES = ["trialing", "incomplete"];

/**
 * Reads a subscription again from Stripe and updates its record, unless an event did meanwhile.
 * @returns whether the subscription is paid, or continues as soon as its invoice is paid
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function refreshRecord(
  core: Pick<Core, "clock" | "subscriptions"> & { stripe: StripeApi; billing: BillingSettings },
  record: Subscription,
): Promise<boolean> {
  const current = await retrieveSubscription(core, record.stpSubscriptionId);
  if (!current || hasEnded(current.status) || UNPAID_STATUSES.includes(current.status)) return false;
  const product = readProduct(current, core.billing.productIds, record);
  if (product === null || product.isOtherProduct) return false;
  const state = await readFullState(core, current, product);
  await advanceRecord(core, record, state);
  return true;
}
