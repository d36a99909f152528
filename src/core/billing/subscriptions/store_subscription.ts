import type Stripe from "stripe";
import { ensureOwnAccounts } from "#core/accounts/own_account.ts";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { isTooLateForWelcome } from "#core/billing/mail/welcome.ts";
import { mapCustomer } from "#core/billing/subscriptions/customer_mapping.ts";
import type { StripeReading } from "#core/billing/subscriptions/stripe_reading.ts";
import { customerAddress } from "#core/billing/subscriptions/stripe_subscription.ts";
import { newSubscription } from "#core/billing/subscriptions/subscription_record.ts";
import { NestError } from "#core/errors.ts";
import { BY_STRIPE } from "#core/events/event_source.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { parseAddress } from "#core/users/address.ts";
import { claimIdentifier } from "#core/users/sign_in_user.ts";

/**
 * Stores a new subscription, with its user and customer mapping if these are new. A mapping decides which user it
 * belongs to. Only a customer without a mapping is matched by email address, which proves nothing (contract 1.3).
 * @returns the record; null if another event stored the subscription first; `unusable_address` if Nest can't send mail to
 *   the customer's address, so that nothing is stored
 * @throws NestError `customer_email_missing` for a customer without an address; `unavailable` if the customer was mapped to another user meanwhile
 */
export async function storeNewSubscription(
  core: EventCore,
  reading: StripeReading,
): Promise<Subscription | null | "unusable_address"> {
  const { current, state } = reading;
  const now = core.clock.now().toISOString();
  const mapping = await core.providerMappings.findByCustomer(state.stpCustomerId);
  const userId = mapping?.userId ?? (await claimUser(core, current, now));
  if (userId === null) return "unusable_address";
  if (!mapping) await mapCustomer(core, userId, state.stpCustomerId, "address");
  const record = newSubscription(current, state, userId, now);
  if (isTooLateForWelcome(core, reading))
    record.mails.welcome = { claimedAt: now, sentAt: now, isOmitted: true };
  return (await core.subscriptions.insert(record)) ? record : null;
}

/**
 * The user who has the customer's email address, or a new user.
 * @returns null if the address can't be used
 */
async function claimUser(core: EventCore, current: Stripe.Subscription, now: string): Promise<string | null> {
  const address = customerAddress(current);
  if (address === null) throw new NestError("customer_email_missing");
  const identity = readIdentity(address);
  if (identity === null) return null;
  const { userId, createdAt, verifiedAt } = await claimIdentifier(core, identity, BY_STRIPE, now);
  // The user of a verified address has an account. Keeping the subscription writes a new user.
  if (verifiedAt === null) await ensureOwnAccounts(core, [{ _id: userId, createdAt }]);
  return userId;
}

/**
 * The form of an address that identifies a user.
 * @returns null if the address can't be used
 */
export function readIdentity(address: string): string | null {
  try {
    return parseAddress(address).identity;
  } catch {
    return null;
  }
}
