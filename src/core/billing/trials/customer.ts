import type Stripe from "stripe";
import { customerMethod } from "#core/billing/subscriptions/stripe_subscription.ts";
import { keepingAttempt, type TrialStripeCore } from "#core/billing/trials/attempt.ts";
import type { ClaimedTrial } from "#core/billing/trials/trial.ts";
import { newId } from "#core/ids.ts";
import { listAll, stripeRefusal } from "#core/services/stripe.ts";

const LOOK_BACK = 100;

/** Whom a trial is for, at Stripe. */
export interface TrialCustomer {
  id: string;
  /** Stripe would charge it when the trial ends. */
  isChargeable: boolean;
}

/**
 * The trial's customer: the person's own, if they have one, else a new one. One that Stripe no longer has is forgotten.
 * @throws NestError stripe_error, unavailable
 */
export async function ensureCustomer(core: TrialStripeCore, trial: ClaimedTrial): Promise<TrialCustomer> {
  const known = trial.stpCustomerId ?? trial.mapping?.providerValue;
  if (known === undefined) return { id: await makeCustomer(core, trial), isChargeable: false };
  const found = await retrieveCustomer(core, known);
  if (found) return { id: known, isChargeable: customerMethod(found) !== null };
  const now = core.clock.now().toISOString();
  const [forgetful] = await Promise.all([
    core.trials.forgetCustomer(trial._id, known, now),
    core.providerMappings.remove(known, now),
  ]);
  const anew = { ...trial, ...forgetful, stpCustomerId: null, mapping: null };
  return { id: await makeCustomer(core, anew), isChargeable: false };
}

async function makeCustomer(core: TrialStripeCore, trial: ClaimedTrial): Promise<string> {
  const customer = await keepingAttempt(core, trial, "customer", async (mayExist, idempotencyKey) => {
    const existing = mayExist ? await findCustomer(core, trial) : null;
    if (existing) return existing;
    return core.stripe.request(
      (stripe, options) =>
        stripe.customers.create(
          { email: trial.identifierValue, metadata: { trial_id: trial._id, user_id: trial.userId } },
          options,
        ),
      { idempotencyKey },
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

/** @returns null if Stripe has none by that id, or it was deleted */
async function retrieveCustomer(core: TrialStripeCore, id: string): Promise<Stripe.Customer | null> {
  try {
    const found = await core.stripe.request((stripe, options) => stripe.customers.retrieve(id, {}, options));
    return found.deleted ? null : found;
  } catch (error) {
    if (stripeRefusal(error)?.code === "resource_missing") return null;
    throw error;
  }
}

async function findCustomer(core: TrialStripeCore, trial: ClaimedTrial): Promise<Stripe.Customer | null> {
  const customers = await core.stripe.request((stripe, options) =>
    listAll(stripe.customers.list({ email: trial.identifierValue, limit: LOOK_BACK }, options), LOOK_BACK),
  );
  return customers.find(({ metadata }) => metadata.trial_id === trial._id) ?? null;
}
