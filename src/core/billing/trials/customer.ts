import type Stripe from "stripe";
import { customerMethod } from "#core/billing/subscriptions/stripe_subscription.ts";
import { type TrialStripeCore, withAttemptKey } from "#core/billing/trials/attempt.ts";
import type { ClaimedTrial } from "#core/billing/trials/claim_trial.ts";
import { newId } from "#core/ids.ts";
import { listAll, stripeRefusal } from "#core/services/stripe.ts";

const LOOK_BACK = 100;

/** The Stripe customer of a trial. */
export interface TrialCustomer {
  id: string;
  /** Whether Stripe could charge the customer when the trial ends. */
  isChargeable: boolean;
}

/**
 * Finds the Stripe customer of the trial's user, or creates one. A customer that Stripe no longer has is replaced.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function ensureCustomer(core: TrialStripeCore, trial: ClaimedTrial): Promise<TrialCustomer> {
  const known = trial.stpCustomerId ?? trial.mapping?.providerValue;
  if (known === undefined) return { id: await createCustomer(core, trial), isChargeable: false };
  const found = await retrieveCustomer(core, known);
  if (found) {
    // An earlier attempt may have been interrupted between the two writes of `storeCustomer`.
    const isStored = trial.stpCustomerId !== null && trial.mapping?.providerValue === known;
    if (!isStored && found.metadata.trial_id === trial._id) await storeCustomer(core, trial, known);
    return { id: known, isChargeable: customerMethod(found) !== null };
  }
  const now = core.clock.now().toISOString();
  const [updated] = await Promise.all([
    core.trials.forgetCustomer(trial._id, known, now),
    core.providerMappings.remove(known, now),
  ]);
  const withoutCustomer = { ...trial, ...updated, stpCustomerId: null, mapping: null };
  return { id: await createCustomer(core, withoutCustomer), isChargeable: false };
}

async function createCustomer(core: TrialStripeCore, trial: ClaimedTrial): Promise<string> {
  const customer = await withAttemptKey(core, trial, "customer", async (mayExist, idempotencyKey) => {
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
  await storeCustomer(core, trial, customer.id);
  return customer.id;
}

/** Stores the customer before the subscription is created: the webhook of the subscription must find the customer's user. */
async function storeCustomer(core: TrialStripeCore, trial: ClaimedTrial, customerId: string): Promise<void> {
  const now = core.clock.now().toISOString();
  await Promise.all([
    core.trials.recordCustomer(trial._id, customerId, now),
    core.providerMappings.insert({
      _id: newId("providerMapping"),
      userId: trial.userId,
      providerType: "stripe",
      providerValue: customerId,
      matchedBy: "nest",
      createdAt: now,
      updatedAt: now,
      removedAt: null,
    }),
  ]);
}

/** @returns null if Stripe has no such customer, or the customer was deleted */
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
