import type Stripe from "stripe";
import type { BillingSettings } from "#core/billing/config.ts";
import { requireTrialPrice } from "#core/billing/plans/stage_plans.ts";
import { hasEnded, readState, SCHEDULED_BY_NEST } from "#core/billing/subscriptions/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import { newSubscription } from "#core/billing/subscriptions/subscription_record.ts";
import { type TrialStripeCore, withAttemptKey } from "#core/billing/trials/attempt.ts";
import type { ClaimedTrial } from "#core/billing/trials/claim_trial.ts";
import { ensureCustomer, type TrialCustomer } from "#core/billing/trials/customer.ts";
import { isPastEnd } from "#core/billing/trials/judge_trial.ts";
import { startAgain } from "#core/billing/trials/renewal.ts";
import { isUsed } from "#core/billing/trials/used.ts";
import { NestError } from "#core/errors.ts";
import { trialEvent } from "#core/events/billing_events.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { listAll } from "#core/services/stripe.ts";

const LOOK_BACK = 100;

/**
 * Creates the trial's customer and subscription at Stripe, or finds those of an earlier request. Idempotency keys
 * ensure that a lost response, a crash or a concurrent request leads to the same customer and subscription (contract
 * 1.3).
 * @returns Stripe's subscription, or null if the trial's subscription is stored already
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function subscribeTrial(
  core: TrialStripeCore,
  trial: ClaimedTrial,
): Promise<Stripe.Subscription | null> {
  const { stpSubscriptionId, subscription, isKnownDevice } = trial;
  if (stpSubscriptionId === null) return createSubscription(core, trial);
  const mayRun = !subscription || !hasEnded(subscription.status);
  const isRunning = subscription?.rejectedAt === null && mayRun && !isPastEnd(subscription, core.clock.now());
  if (isRunning) return null;
  // If there is no record, the process that created the subscription crashed before it stored the record. The record of
  // a trial that ended or was displaced may be outdated.
  const made = mayRun ? await retrieveSubscription(core, stpSubscriptionId) : null;
  if (made && !hasEnded(made.status)) return made;
  const again = await startAgain(core, trial, isKnownDevice);
  return again && createSubscription(core, { ...trial, ...again, subscription: null });
}

async function createSubscription(core: TrialStripeCore, trial: ClaimedTrial): Promise<Stripe.Subscription> {
  const customer = await ensureCustomer(core, trial);
  return withAttemptKey(core, trial, "subscription", async (mayExist, idempotencyKey) => {
    const existing = mayExist ? await findSubscription(core, trial, customer) : null;
    if (existing) return existing;
    return core.stripe.request(
      (stripe, options) =>
        stripe.subscriptions.create(
          {
            customer: customer.id,
            items: [{ price: requireTrialPrice(core.billing) }],
            ...trialLength(core.billing, trial),
            trial_settings: { end_behavior: { missing_payment_method: "cancel" } },
            // Anybody may start a trial for an address: a card of an earlier purchase must not be charged for it.
            cancel_at_period_end: customer.isChargeable,
            metadata: {
              ...{ trial_id: trial._id, user_id: trial.userId },
              ...(customer.isChargeable ? SCHEDULED_BY_NEST : {}),
            },
          },
          options,
        ),
      { idempotencyKey },
    );
  });
}

/** A used trial that starts again keeps its original end. */
function trialLength({ trialDays }: Pick<BillingSettings, "trialDays">, trial: ClaimedTrial) {
  const originalEnd = isUsed(trial) ? trial.endsAt : null;
  if (originalEnd === null) return { trial_period_days: trialDays };
  return { trial_end: Math.floor(Date.parse(originalEnd) / 1000) };
}

/**
 * Finds the subscription that an earlier attempt created.
 * @returns null if there is none, or if it ended: the trial may start again then
 */
async function findSubscription(
  core: TrialStripeCore,
  trial: ClaimedTrial,
  { id: customer }: TrialCustomer,
): Promise<Stripe.Subscription | null> {
  const subscriptions = await core.stripe.request((stripe, options) =>
    listAll(stripe.subscriptions.list({ customer, status: "all", limit: LOOK_BACK }, options), LOOK_BACK),
  );
  // Stripe lists the newest first.
  const newest = subscriptions.find(({ metadata }) => metadata.trial_id === trial._id);
  return newest && !hasEnded(newest.status) ? newest : null;
}

/**
 * Stores the subscription that Stripe created, so that its status is available before the webhook arrives.
 * @param made the result of `subscribeTrial`
 * @param source who asked for the trial
 * @throws NestError `stripe_error` if the subscription has no items
 */
export async function recordTrial(
  core: TrialStripeCore,
  trial: ClaimedTrial,
  made: Stripe.Subscription | null,
  source: EventSource,
): Promise<void> {
  if (!made) return;
  const [item] = made.items.data;
  const product = item?.price.product;
  const stpProductId = typeof product === "string" ? product : (product?.id ?? null);
  if (stpProductId === null) throw new NestError("stripe_error", { detail: "a subscription without items" });
  const now = core.clock.now().toISOString();
  const state = readState(made, { stpProductId, isOtherProduct: false }, [stpProductId]);
  await Promise.all([
    core.subscriptions.insert(newSubscription(made, state, trial.userId, now)),
    core.trials.recordSubscription(
      trial._id,
      { stpProductId, stpSubscriptionId: made.id, startsAt: state.startsAt, endsAt: state.endsAt },
      now,
      [trialEvent("trial.started", { ...trial, stpSubscriptionId: made.id }, source, now)],
    ),
    hasEnded(made.status) ? null : core.users.keepSubscription(trial.userId, made.id, now),
  ]);
}
