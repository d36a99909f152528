import type { CheckoutCore } from "#core/billing/plans/checkout_core.ts";
import { findUsable } from "#core/billing/subscriptions/subscription.ts";
import { newId } from "#core/ids.ts";
import type { Checkout } from "#core/repositories/checkouts.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { ProviderMapping } from "#core/repositories/provider_mappings.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** The person who buys, and what Nest stores about them. */
export interface Buyer {
  userId: string;
  /** The id of the caller's session. `session` means a session of Stripe's checkout in this folder. */
  signInId: string;
  /** All subscriptions that the person may manage. */
  subscriptions: readonly Subscription[];
  identifiers: readonly Identifier[];
  /** The person's customers at Stripe. */
  mappings: readonly ProviderMapping[];
}

/**
 * Chooses the customer that buys: the customer of the subscription that grants access, so that the credit for a replaced
 * subscription goes to the same customer; else a customer that Nest created for the person; else the newest.
 * @returns Stripe's id, or null if the person has none
 */
export function customerOf({ subscriptions, mappings }: Buyer, now: Date): string | null {
  const current = findUsable(subscriptions, now)?.stpCustomerId;
  const newestFirst = mappings.toSorted((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
  const best =
    newestFirst.find(({ providerValue }) => providerValue === current) ??
    newestFirst.find(({ matchedBy }) => matchedBy === "nest") ??
    newestFirst[0];
  return best?.providerValue ?? null;
}

/**
 * Creates the person's customer at Stripe and maps it, before a session names it: the event of the purchase must find the
 * person (contract 1.7). Racing calls create one customer.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function createCustomer(core: CheckoutCore, buyer: Buyer, checkout: Checkout): Promise<string> {
  const { userId } = buyer;
  const email = addressOf(buyer);
  const customer = await core.stripe.request(
    (stripe, options) =>
      stripe.customers.create({ ...(email && { email }), metadata: { user_id: userId } }, options),
    { idempotencyKey: `${checkout._id}:customer:${checkout.customerAttempt}` },
  );
  const now = core.clock.now().toISOString();
  await core.providerMappings.insert({
    _id: newId("providerMapping"),
    userId,
    providerType: "stripe",
    providerValue: customer.id,
    matchedBy: "nest",
    createdAt: now,
    updatedAt: now,
    removedAt: null,
  });
  return customer.id;
}

/** The email address that the person verified last, else any email address. */
function addressOf({ identifiers }: Buyer): string | undefined {
  const active = identifiers.filter(
    ({ removedAt, identifierType }) => removedAt === null && identifierType === "email",
  );
  const byProof = active.toSorted((one, other) =>
    (one.verifiedAt ?? "") < (other.verifiedAt ?? "") ? 1 : -1,
  );
  return byProof[0]?.identifierValue;
}
