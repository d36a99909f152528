import type Stripe from "stripe";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { customerMethod } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { RemovedTrial } from "#core/repositories/trial_removals.ts";
import { listAll, type StripeApi, stripeRefusal } from "#core/services/stripe.ts";

type StripeCore = { stripe: StripeApi };

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
 * Deletes the Stripe customer of a removed trial if nothing but the trial is there.
 * @param customerId the customer that the trial or its user names, or null
 * @returns false if the customer stays
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function removeCustomer(
  core: StripeCore,
  trial: RemovedTrial,
  customerId: string | null,
): Promise<boolean> {
  const customer = await findCustomer(core, trial, customerId);
  if (!customer) return true;
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
  if (!isOnlyOfTrial({ customer, subscriptions, invoices, methods }, trial._id)) return false;
  await core.stripe.request((stripe, options) => stripe.customers.del(id, {}, options));
  return true;
}

/** @returns null if Stripe has no customer of the trial, or it was deleted */
async function findCustomer(
  core: StripeCore,
  { _id, removal }: RemovedTrial,
  customerId: string | null,
): Promise<Stripe.Customer | null> {
  if (customerId === null) {
    // A claim can stop after Stripe created its customer and before the trial names it.
    const found = await core.stripe.request((stripe, options) =>
      listAll(stripe.customers.list({ email: removal.identifierValue, limit: 100 }, options), 100),
    );
    return found.find(({ metadata }) => metadata.trial_id === _id) ?? null;
  }
  try {
    const found = await core.stripe.request((stripe, options) =>
      stripe.customers.retrieve(customerId, {}, options),
    );
    return found.deleted ? null : found;
  } catch (error) {
    if (stripeRefusal(error)?.code === "resource_missing") return null;
    throw error;
  }
}
