import type Stripe from "stripe";
import { expireSession } from "#core/billing/plans/expire_session.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { StripeApi } from "#core/services/stripe.ts";
import { listOrNone } from "#core/services/stripe_lists.ts";

/** The dependencies of closing a person's checkout pages. */
export type ClosingCore = Pick<Core, "checkouts" | "providerMappings"> & {
  /** Null if STRIPE_SECRET_KEY is not set. Then only people who never began a checkout can be erased. */
  stripe: StripeApi | null;
};

/**
 * Closes every checkout page of a person that is open at Stripe, so that nobody pays for a person whom Nest is about to
 * forget. Safe to repeat. Stripe lists the pages, because Nest does not know a session whose creation it answered too late.
 * @param mayStay whether a subscription that was bought may go on; default: none may
 * @throws NestError `already_subscribed` if a purchase of the person was paid, also if its event has not arrived;
 *   `unavailable` without Stripe's key; `stripe_error`
 */
export async function closeCheckouts(
  core: ClosingCore,
  userId: string,
  mayStay: (bought: Stripe.Subscription) => boolean = () => false,
): Promise<void> {
  if ((await core.checkouts.findByUser(userId)) === null) return;
  const { stripe } = core;
  if (stripe === null)
    throw new NestError("unavailable", {
      detail: "the person began a checkout, whose page must be closed at Stripe: set STRIPE_SECRET_KEY",
    });
  const mappings = await core.providerMappings.listByUser(userId);
  const customers = mappings.map(({ providerValue }) => providerValue);
  for (const customer of customers) await closePages(stripe, customer, userId);
  // A page that was paid before it was closed has become a subscription.
  const bought = await Promise.all(customers.map((customer) => listBought(stripe, customer, userId)));
  const ids = bought
    .flat()
    .filter((one) => !mayStay(one))
    .map(({ id }) => id);
  if (ids.length > 0)
    throw new NestError("already_subscribed", {
      detail: `cancel the subscription at Stripe first: ${ids.join(", ")}`,
    });
}

/** Only Nest writes the user's id into `client_reference_id`. */
async function closePages(stripe: StripeApi, customer: string, userId: string): Promise<void> {
  const open = await listOrNone(stripe, (sdk, options) =>
    sdk.checkout.sessions.list({ customer, status: "open", limit: 100 }, options),
  );
  for (const { id, client_reference_id: reference } of open)
    if (reference === userId) await expireSession(stripe, id);
}

/** Lists the subscriptions that were bought through Nest's checkout and have not ended. */
async function listBought(
  stripe: StripeApi,
  customer: string,
  userId: string,
): Promise<Stripe.Subscription[]> {
  const found = await listOrNone(stripe, (sdk, options) =>
    sdk.subscriptions.list({ customer, limit: 100 }, options),
  );
  return found.filter(({ status, metadata }) => metadata.user_id === userId && !hasEnded(status));
}
