import type { CheckoutCore } from "#core/billing/plans/checkout_core.ts";
import type { Buyer } from "#core/billing/plans/checkout_customer.ts";

/**
 * Whether the person is still signed in. Call it after the checkout page was created: an erasure revokes the sessions before
 * it lists the open pages, so it finds every page for which this returned true.
 */
export async function isSignedIn(core: CheckoutCore, { signInId }: Buyer): Promise<boolean> {
  const signIn = await core.sessions.find(signInId);
  return signIn !== null && signIn.revokedAt === null;
}

/** Removes what was stored about a person after an erasure had removed them. */
export async function removeIfErased(core: CheckoutCore, { userId, signInId }: Buyer): Promise<void> {
  if (await core.sessions.find(signInId)) return;
  await core.checkouts.deleteOf(userId);
  await core.providerMappings.deleteAllOwn(userId);
}
