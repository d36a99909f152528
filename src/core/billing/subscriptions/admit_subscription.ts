import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { DONE, type Outcome, type SubscriptionEvent } from "#core/billing/events/outcome.ts";
import { firstMark, sendWelcome, welcomeFor, welcomeUnlessDone } from "#core/billing/mail/welcome.ts";
import { guardCards } from "#core/billing/payments/card_guard.ts";
import { settleOneSubscription } from "#core/billing/subscriptions/one_subscription.ts";
import { storeNewSubscription } from "#core/billing/subscriptions/store_subscription.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { HOUR } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";
import type { ProviderMapping } from "#core/repositories/provider_mappings.ts";
import type { SubscriptionState } from "#core/repositories/subscriptions.ts";

/** Within this time `created` comes, if all is well. */
const OVERDUE_SECONDS = HOUR;

/**
 * Takes in a subscription that we have no record of.
 * @param looked the mapping of its customer, where somebody has looked
 * @returns null if another event was faster
 * @throws NestError subscription_not_ready, customer_email_missing, stripe_error, email_not_sent, unavailable
 */
export async function admitSubscription(
  core: EventCore,
  event: SubscriptionEvent,
  current: Stripe.Subscription,
  state: SubscriptionState,
  looked: ProviderMapping | null | undefined,
): Promise<Outcome | null> {
  if (hasEnded(current.status)) return { status: "ignored", reason: "ended" };
  if (event === "deleted") return { status: "ignored", reason: "unknown_subscription" };
  const isLate = event !== "created";
  if (isLate && event !== "reconciled" && !isOverdue(core, current))
    throw new NestError("subscription_not_ready");
  if (!passesGate(core, current)) {
    await core.stripe.request((stripe, options) =>
      stripe.subscriptions.cancel(current.id, { invoice_now: true }, options),
    );
    return { status: "ignored", reason: "promotion_code_missing" };
  }
  const mapping =
    looked === undefined ? await core.providerMappings.findByCustomer(state.stpCustomerId) : looked;
  const welcome = welcomeFor(core, current, isLate);
  const stored = await storeNewSubscription(core, current, state, mapping, firstMark(core, welcome));
  if (!stored) return null;
  const { record, keeping, records, isSuppressed } = stored;
  const isKept = await settleOneSubscription(core, record.userId, current, keeping, records);
  if (isKept && (await guardCards(core, record))) return DONE;
  if (welcome !== "due") return DONE;
  if (keeping && isKept) {
    await sendWelcome(core, record, current, { isClaimed: true, isSuppressed });
    return DONE;
  }
  // There was a rival: who lost must not look as if it were sending its welcome, who won may have been welcomed by it.
  await core.subscriptions.releaseMail(current.id, "welcome");
  if (isKept) await welcomeUnlessDone(core, record, current);
  return DONE;
}

/**
 * Whether `created` should have come long ago. It never will for one that was another product's then, or of a time when
 * Stripe did not tell us.
 */
function isOverdue({ clock }: EventCore, { created }: Stripe.Subscription): boolean {
  return clock.now().getTime() / 1000 - created > OVERDUE_SECONDS;
}

/** Outside production a subscription that is no trial needs the promotion code that testers have (contract E5). */
function passesGate({ stage, billing }: EventCore, current: Stripe.Subscription): boolean {
  const required = billing.requiredPromotionCodeId;
  if (stage === "prod" || required === null || current.status === "trialing") return true;
  return current.discounts.some((discount) => {
    const code = typeof discount === "string" ? null : discount.promotion_code;
    return (typeof code === "string" ? code : code?.id) === required;
  });
}
