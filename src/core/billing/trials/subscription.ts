import type Stripe from "stripe";
import { hasEnded, readState } from "#core/billing/subscriptions/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import { newSubscription } from "#core/billing/subscriptions/subscription_record.ts";
import { keepingAttempt, type TrialStripeCore } from "#core/billing/trials/attempt.ts";
import { ensureCustomer, type TrialCustomer } from "#core/billing/trials/customer.ts";
import { renewWasted, wasHad } from "#core/billing/trials/renewal.ts";
import type { ClaimedTrial } from "#core/billing/trials/trial.ts";
import { NestError } from "#core/errors.ts";
import { listAll } from "#core/services/stripe.ts";

const LOOK_BACK = 100;

/**
 * Makes the trial's customer and subscription at Stripe, or finds those that an earlier request made. Its idempotency
 * keys make sure that a lost answer, a crash or a second request leads to the same ones (contract 1.3).
 * @returns Stripe's subscription, or null if the trial has its own stored already
 * @throws NestError stripe_error, unavailable
 */
export async function subscribeTrial(
  core: TrialStripeCore,
  trial: ClaimedTrial,
): Promise<Stripe.Subscription | null> {
  const { stpSubscriptionId } = trial;
  if (stpSubscriptionId === null) return makeSubscription(core, trial);
  if (trial.subscription) return null;
  // Whoever made it died before it was stored.
  const made = await retrieveSubscription(core, stpSubscriptionId);
  if (made && !hasEnded(made.status)) return made;
  const renewed = await renewWasted(core, trial, made ? endOf(core, made) : core.clock.now().toISOString());
  return renewed && makeSubscription(core, { ...trial, ...renewed });
}

async function makeSubscription(core: TrialStripeCore, trial: ClaimedTrial): Promise<Stripe.Subscription> {
  const customer = await ensureCustomer(core, trial);
  return keepingAttempt(core, trial, "subscription", async (mayExist, idempotencyKey) => {
    const existing = mayExist ? await findSubscription(core, trial, customer) : null;
    if (existing) return existing;
    return core.stripe.request(
      (stripe, options) =>
        stripe.subscriptions.create(
          {
            customer: customer.id,
            items: [{ price: core.billing.priceId }],
            trial_period_days: core.billing.trialDays,
            trial_settings: { end_behavior: { missing_payment_method: "cancel" } },
            // A card from an earlier purchase would be charged, and anybody may start a trial for an address.
            cancel_at_period_end: customer.isChargeable,
            metadata: { trial_id: trial._id, user_id: trial.userId },
          },
          options,
        ),
      { idempotencyKey },
    );
  });
}

/** The trial's own that lives, or that its owner had until it ended: neither makes room for another. */
async function findSubscription(
  core: TrialStripeCore,
  trial: ClaimedTrial,
  { id: customer }: TrialCustomer,
): Promise<Stripe.Subscription | null> {
  const subscriptions = await core.stripe.request((stripe, options) =>
    listAll(stripe.subscriptions.list({ customer, status: "all", limit: LOOK_BACK }, options), LOOK_BACK),
  );
  // Newest first.
  const [newest] = subscriptions.filter(({ metadata }) => metadata.trial_id === trial._id);
  if (!newest) return null;
  const isIts = !hasEnded(newest.status) || (await wasHad(core, trial, endOf(core, newest)));
  return isIts ? newest : null;
}

function endOf({ clock }: TrialStripeCore, { ended_at }: Stripe.Subscription): string {
  return (ended_at === null ? clock.now() : new Date(ended_at * 1000)).toISOString();
}

/** Stores what Stripe made, so that the first look at the subscription never waits for a webhook. */
export async function recordTrial(
  core: TrialStripeCore,
  trial: ClaimedTrial,
  made: Stripe.Subscription | null,
): Promise<void> {
  if (!made) return;
  const [item] = made.items.data;
  const product = item?.price.product;
  const stpProductId = typeof product === "string" ? product : (product?.id ?? null);
  if (stpProductId === null) throw new NestError("stripe_error", { detail: "a subscription without items" });
  const now = core.clock.now().toISOString();
  const state = readState(made, { stpProductId, isOtherProduct: false });
  await Promise.all([
    core.subscriptions.insert(newSubscription(made, state, trial.userId, now)),
    core.trials.recordSubscription(
      trial._id,
      { stpProductId, stpSubscriptionId: made.id, startsAt: state.startsAt, endsAt: state.endsAt },
      now,
    ),
    hasEnded(made.status) ? null : core.users.keepSubscription(trial.userId, made.id, now),
  ]);
}
