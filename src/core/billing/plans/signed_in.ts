import type { CheckoutCore } from "#core/billing/plans/checkout_core.ts";
import type { Buyer } from "#core/billing/plans/checkout_customer.ts";

/**
 * Whether the person is still signed in, asked after their page was made. An erasure revokes the sessions before it lists
 * the open pages: it finds every page that this check lets pass.
 */
export async function isSignedIn(core: CheckoutCore, { signInId }: Buyer): Promise<boolean> {
  const signIn = await core.sessions.find(signInId);
  return signIn !== null && signIn.revokedAt === null;
}

/** Removes what was stored of a person whom an erasure had already forgotten. */
export async function removeIfErased(core: CheckoutCore, { userId, signInId }: Buyer): Promise<void> {
  if (await core.sessions.find(signInId)) return;
  await core.checkouts.deleteOf(userId);
  await core.providerMappings.deleteAllOwn(userId);
}
