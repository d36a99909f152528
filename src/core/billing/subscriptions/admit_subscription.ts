import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import type { Outcome } from "#core/billing/events/outcome.ts";
import { followUp } from "#core/billing/subscriptions/follow_up.ts";
import { readOursSince } from "#core/billing/subscriptions/ours_since.ts";
import {
  findOwner,
  warnOfDeletedCustomer,
  warnOfPaidDuplicate,
} from "#core/billing/subscriptions/paid_duplicate.ts";
import { storeNewSubscription } from "#core/billing/subscriptions/store_subscription.ts";
import type { StripeReading } from "#core/billing/subscriptions/stripe_reading.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { HOUR } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";

/** Stripe normally delivers `customer.subscription.created` within this time. */
const OVERDUE_SECONDS = HOUR;

/**
 * Stores a subscription that has no record yet and completes its follow-up (`followUp`). A subscription without the required
 * promotion code is canceled at Stripe instead.
 * @returns null if another event stored it first
 * @throws NestError `subscription_not_ready`, `customer_email_missing`, `stripe_error`, `email_not_sent`, `unavailable`
 */
export async function admitSubscription(core: EventCore, reading: StripeReading): Promise<Outcome | null> {
  const { event, current } = reading;
  if (hasEnded(current.status)) {
    await warnOfPaidDuplicate(core, await findOwner(core, current), reading);
    await warnOfDeletedCustomer(core, reading);
    return { status: "ignored", reason: "ended" };
  }
  const mayStore = event === "created" || event === "reconciled" || isCreationOverdue(core, current);
  if (!mayStore) throw new NestError("subscription_not_ready");
  if (!hasRequiredPromotionCode(core, current)) {
    await core.stripe.request((stripe, options) =>
      stripe.subscriptions.cancel(current.id, { invoice_now: true }, options),
    );
    return { status: "ignored", reason: "promotion_code_missing" };
  }
  const oursSince = isCreationOverdue(core, current) ? await readOursSince(core, reading) : {};
  const state = { ...reading.state, ...oursSince };
  const record = await storeNewSubscription(core, { ...reading, state });
  if (record === "unusable_address") return refuseAddress(core, current.id);
  return record && followUp(core, record, reading);
}

/**
 * Stripe's retries would not help: the address must be changed in Stripe, and the event replayed. Meanwhile Stripe charges
 * the customer, so an operator must act (contract 1.7, runbooks/stripe.md).
 */
function refuseAddress({ log }: EventCore, id: string): Outcome {
  log.error("unusable_address", { alarm: true, subscription_id: id });
  return { status: "failed", reason: "unusable_address" };
}

/**
 * Whether `created` should have arrived long ago. It never arrives for a subscription that was changed to one of our
 * products later, or that is older than our webhook endpoint.
 */
export function isCreationOverdue({ clock }: EventCore, { created }: Stripe.Subscription): boolean {
  return clock.now().getTime() / 1000 - created > OVERDUE_SECONDS;
}

/** Outside production, a subscription that is not a trial needs the testers' promotion code (contract E5). */
function hasRequiredPromotionCode({ stage, billing }: EventCore, current: Stripe.Subscription): boolean {
  const required = billing.requiredPromotionCodeId;
  if (stage === "prod" || required === null || current.status === "trialing") return true;
  return current.discounts.some((discount) => {
    const code = typeof discount === "string" ? null : discount.promotion_code;
    return (typeof code === "string" ? code : code?.id) === required;
  });
}
