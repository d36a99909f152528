import type Stripe from "stripe";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { customerMethod } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Core } from "#core/core.ts";
import { newId } from "#core/ids.ts";
import type { RemovedTrial } from "#core/repositories/trial_removals.ts";
import { listAll, type StripeApi } from "#core/services/stripe.ts";

export type CustomerRemovalCore = Pick<Core, "clock" | "providerMappings" | "trials" | "users"> & {
  stripe: StripeApi;
};

/** What Stripe shows of a customer. */
interface CustomerFacts {
  customer: Stripe.Customer;
  subscriptions: readonly Pick<Stripe.Subscription, "status" | "metadata">[];
  invoices: readonly Pick<Stripe.Invoice, "total">[];
  methods: readonly unknown[];
}

/**
 * Whether only the trial made and used a Stripe customer, so that it can be deleted (contract 1.7). Invoices without an
 * amount are the trial's own.
 */
export function isOnlyOfTrial(
  { customer, subscriptions, invoices, methods }: CustomerFacts,
  trialId: string,
) {
  return (
    customer.metadata.trial_id === trialId &&
    customer.balance === 0 &&
    customerMethod(customer) === null &&
    methods.length === 0 &&
    invoices.every(({ total }) => total === 0) &&
    subscriptions.every(({ status, metadata }) => metadata.trial_id === trialId && hasEnded(status))
  );
}

/**
 * Deletes the Stripe customer of a removed trial and its mapping if nothing but the trial is there. Stripe is read before
 * the mapping is deleted, and again afterwards. A customer that stays keeps its mapping.
 * @returns false if the customer stays
 * @throws NestError `unavailable`, `stripe_error`. An unknown customer is an error too: Stripe shows a deleted customer as
 *   deleted, so the key belongs to another account, or Stripe's API lags behind.
 */
export async function removeCustomer(core: CustomerRemovalCore, trial: RemovedTrial): Promise<boolean> {
  const { _id, removal, stpCustomerId } = trial;
  // A claim can stop after it stored the mapping and before the trial names the customer.
  const mapping = stpCustomerId === null ? await core.providerMappings.findByUser(removal.userId) : null;
  const known = stpCustomerId ?? mapping?.providerValue ?? null;
  const customer = known === null ? await findCustomer(core, trial) : await retrieveCustomer(core, known);
  if (!customer) {
    if (known !== null) await core.providerMappings.deleteOwn(removal.userId, known);
    return true;
  }
  const { id, metadata } = customer;
  if (metadata.trial_id !== _id) return false;
  // After a crash, the next run restores the mapping of the customer that the trial names.
  if (stpCustomerId === null) await core.trials.recordCustomer(_id, id, core.clock.now().toISOString());
  let isGone = false;
  try {
    isGone = (await isUnused(core, trial, customer)) && (await deleteUnused(core, trial, id));
  } finally {
    if (!isGone) await restoreMapping(core, trial, id);
  }
  return isGone;
}

/** @returns false if the customer was used meanwhile, or the trial was claimed again */
async function deleteUnused(core: CustomerRemovalCore, trial: RemovedTrial, id: string): Promise<boolean> {
  // Without the mapping, a trial that is claimed from now on gets a customer of its own.
  await core.providerMappings.deleteOwn(trial.removal.userId, id);
  if (await core.trials.isClaimedAgain(trial.removal)) return false;
  const customer = await retrieveCustomer(core, id);
  if (!customer) return true;
  if (!(await isUnused(core, trial, customer))) return false;
  await core.stripe.request((stripe, options) => stripe.customers.del(id, {}, options));
  return true;
}

async function isUnused(
  core: CustomerRemovalCore,
  trial: RemovedTrial,
  customer: Stripe.Customer,
): Promise<boolean> {
  const { id } = customer;
  const [subscriptions, invoices, methods] = await Promise.all([
    core.stripe.request((stripe, options) =>
      listAll(stripe.subscriptions.list({ customer: id, status: "all", limit: 100 }, options)),
    ),
    core.stripe.request((stripe, options) =>
      listAll(stripe.invoices.list({ customer: id, limit: 100 }, options)),
    ),
    core.stripe.request((stripe, options) =>
      listAll(stripe.customers.listPaymentMethods(id, { limit: 1 }, options), 1),
    ),
  ]);
  return isOnlyOfTrial({ customer, subscriptions, invoices, methods }, trial._id);
}

/**
 * Maps the customer that Nest created for the trial to its user again. An erasure ends the removal before it removes
 * mappings, so a mapping that is inserted while the removal is pending is erased too.
 */
async function restoreMapping(
  core: CustomerRemovalCore,
  { _id, removal: { userId }, createdAt }: RemovedTrial,
  providerValue: string,
): Promise<void> {
  const isErased = async () =>
    !(await core.trials.isRemovalPending(_id)) || (await core.users.find(userId)) === null;
  if (await isErased()) return;
  await core.providerMappings.restoreOwn({
    _id: newId("providerMapping"),
    ...{ userId, providerType: "stripe", providerValue, matchedBy: "nest" },
    // A customer that the user got meanwhile stays the newest.
    ...{ createdAt, updatedAt: core.clock.now().toISOString(), removedAt: null },
  });
  if (await isErased()) await core.providerMappings.deleteOwn(userId, providerValue);
}

/**
 * Finds a customer that Nest did not store, because the claim stopped after Stripe created the customer.
 * @returns null if there is none
 */
async function findCustomer(
  core: CustomerRemovalCore,
  { _id, removal }: RemovedTrial,
): Promise<Stripe.Customer | null> {
  const found = await core.stripe.request((stripe, options) =>
    listAll(stripe.customers.list({ email: removal.identifierValue, limit: 100 }, options), 100),
  );
  return found.find(({ metadata }) => metadata.trial_id === _id) ?? null;
}

/** @returns null if the customer was deleted */
async function retrieveCustomer(core: CustomerRemovalCore, id: string): Promise<Stripe.Customer | null> {
  const found = await core.stripe.request((stripe, options) => stripe.customers.retrieve(id, {}, options));
  return found.deleted ? null : found;
}
