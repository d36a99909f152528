import type Stripe from "stripe";
import type { BillingSettings } from "#core/billing/config.ts";
import { hasEnded, readState } from "#core/billing/stripe_state.ts";
import { newSubscription } from "#core/billing/subscription_record.ts";
import type { ClaimedTrial } from "#core/billing/trial.ts";
import type { Call } from "#core/call.ts";
import { listAll, type StripeApi, stripeRefusal } from "#core/clients/stripe.ts";
import { HOUR } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import type { TrialStep } from "#core/repositories/trials.ts";

/** Stripe keeps a key for 24 h at least; an older one may be forgotten and must not make a second subscription. */
const KEY_LIFE_MS = 20 * HOUR * 1000;
const LOOK_BACK = 100;

type StripeCore = Pick<Core, "clock" | "log" | "providerMappings" | "subscriptions" | "trials" | "users"> & {
  stripe: StripeApi;
  billing: BillingSettings;
};

/**
 * Makes the trial's customer and subscription at Stripe, or finds those that an earlier request made. Its idempotency
 * keys make sure that a lost answer, a crash or a second request leads to the same ones (contract 1.3).
 * @returns Stripe's subscription, or null if the trial had its own already
 * @throws NestError stripe_error, unavailable
 */
export async function subscribeTrial(
  core: StripeCore,
  trial: ClaimedTrial,
  call: Call,
): Promise<Stripe.Subscription | null> {
  if (trial.stpSubscriptionId !== null) return null;
  const customer = await ensureCustomer(core, trial, call);
  return keepingAttempt(core, trial, "subscription", async (mayExist, idempotencyKey) => {
    const existing = mayExist ? await findSubscription(core, trial, customer, call) : null;
    if (existing) return existing;
    return core.stripe
      .request({ deadline: call.deadline, idempotencyKey }, (stripe, options) =>
        stripe.subscriptions.create(
          {
            customer,
            items: [{ price: core.billing.priceId }],
            trial_period_days: core.billing.trialDays,
            trial_settings: { end_behavior: { missing_payment_method: "cancel" } },
            metadata: { trial_id: trial._id, user_id: trial.userId },
          },
          options,
        ),
      )
      .catch((error) => forgetLostCustomer(core, trial, customer, error));
  });
}

async function ensureCustomer(core: StripeCore, trial: ClaimedTrial, call: Call): Promise<string> {
  const known = trial.stpCustomerId ?? trial.mapping?.providerValue;
  if (known !== undefined) return known;
  const customer = await keepingAttempt(core, trial, "customer", async (mayExist, idempotencyKey) => {
    const existing = mayExist ? await findCustomer(core, trial, call) : null;
    if (existing) return existing;
    return core.stripe.request({ deadline: call.deadline, idempotencyKey }, (stripe, options) =>
      stripe.customers.create(
        { email: trial.identifierValue, metadata: { trial_id: trial._id, user_id: trial.userId } },
        options,
      ),
    );
  });
  // Stored before the subscription is made: its webhook must find whose customer this is.
  const now = core.clock.now().toISOString();
  await Promise.all([
    core.trials.recordCustomer(trial._id, customer.id, now),
    core.providerMappings.insert({
      _id: newId("providerMapping"),
      userId: trial.userId,
      providerType: "stripe",
      providerValue: customer.id,
      createdAt: now,
      updatedAt: now,
      removedAt: null,
    }),
  ]);
  return customer.id;
}

/**
 * Runs one step under its idempotency key. Stripe replays a failure that it has stored under a key for a day, so such a
 * key is left behind; after time-outs, cut connections and conflicts the key stays, since the work may have been done.
 * @param work is told whether an earlier attempt may have made the object under another or a forgotten key
 */
async function keepingAttempt<Made>(
  core: StripeCore,
  trial: ClaimedTrial,
  step: TrialStep,
  work: (mayExist: boolean, idempotencyKey: string) => Promise<Made>,
): Promise<Made> {
  const attempt = trial.attempts[step];
  const now = core.clock.now();
  const isOld = now.getTime() - Date.parse(trial.attemptedAt) > KEY_LIFE_MS;
  try {
    return await work(attempt > 1 || isOld, `trial:${trial._id}:${step}:${attempt}`);
  } catch (error) {
    const status = stripeRefusal(error)?.statusCode;
    // 429 is answered before anything is stored.
    if (status !== undefined && status >= 400 && status !== 409 && status !== 429) {
      await core.trials.raiseAttempt(trial._id, step, attempt, now.toISOString());
    }
    throw error;
  }
}

/** A customer deleted at Stripe: the next request makes another. */
async function forgetLostCustomer(
  core: StripeCore,
  trial: ClaimedTrial,
  customer: string,
  error: unknown,
): Promise<never> {
  if (stripeRefusal(error)?.code === "resource_missing") {
    const now = core.clock.now().toISOString();
    await Promise.all([
      core.trials.forgetCustomer(trial._id, customer, now),
      core.providerMappings.remove(customer, now),
    ]);
  }
  throw error;
}

async function findCustomer(
  core: StripeCore,
  trial: ClaimedTrial,
  call: Call,
): Promise<Stripe.Customer | null> {
  const customers = await core.stripe.request({ deadline: call.deadline }, (stripe, options) =>
    listAll(stripe.customers.list({ email: trial.identifierValue, limit: LOOK_BACK }, options), LOOK_BACK),
  );
  return customers.find(({ metadata }) => metadata.trial_id === trial._id) ?? null;
}

async function findSubscription(
  core: StripeCore,
  trial: ClaimedTrial,
  customer: string,
  call: Call,
): Promise<Stripe.Subscription | null> {
  const subscriptions = await core.stripe.request({ deadline: call.deadline }, (stripe, options) =>
    listAll(stripe.subscriptions.list({ customer, status: "all", limit: LOOK_BACK }, options), LOOK_BACK),
  );
  const made = subscriptions.filter(
    ({ metadata, status }) => metadata.trial_id === trial._id && !hasEnded(status),
  );
  return made[0] ?? null;
}

/** Stores what Stripe made, so that the first look at the subscription never waits for a webhook. */
export async function recordTrial(
  core: StripeCore,
  trial: ClaimedTrial,
  made: Stripe.Subscription | null,
): Promise<void> {
  if (!made) return;
  const [item] = made.items.data;
  const product = item?.price.product;
  const stpProductId = typeof product === "string" ? product : (product?.id ?? null);
  if (stpProductId === null) throw new NestError("stripe_error", { detail: "a subscription without items" });
  const now = core.clock.now().toISOString();
  const state = readState(made, stpProductId);
  await Promise.all([
    core.subscriptions.insert(newSubscription(made, state, trial.userId, now)),
    core.trials.recordSubscription(
      trial._id,
      { stpProductId, stpSubscriptionId: made.id, startsAt: state.startsAt, endsAt: state.endsAt },
      now,
    ),
    core.users.keepSubscription(trial.userId, made.id, now),
  ]);
}
