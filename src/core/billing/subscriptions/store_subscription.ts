import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { customerAddress } from "#core/billing/subscriptions/stripe_subscription.ts";
import { newSubscription } from "#core/billing/subscriptions/subscription_record.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import { isSuppressed } from "#core/messages/mail_events.ts";
import type { ProviderMapping } from "#core/repositories/provider_mappings.ts";
import type { MailMark, Subscription, SubscriptionState } from "#core/repositories/subscriptions.ts";
import type { User } from "#core/repositories/users.ts";
import { parseAddress } from "#core/users/address.ts";
import { claimIdentifier } from "#core/users/sign_in_user.ts";

export interface StoredSubscription {
  record: Subscription;
  /** The user if the subscription is the one they keep, else null. */
  keeping: User | null;
  /** All of the user's, as they stood about then. */
  records: Subscription[];
  /** The customer's address bounced hard lately. */
  isSuppressed: boolean;
}

/**
 * Stores a subscription that Stripe made, with its user and mapping where they are new. A customer that is mapped
 * decides whose it is; the address only for one that is not, and proves nothing (contract 1.3).
 * @param mapping of the customer, where it has one
 * @param welcome the mark of a welcome that the caller goes on to send, or that nobody is owed; null leaves it open
 * @returns null if another event stored it first
 * @throws NestError customer_email_missing
 */
export async function storeNewSubscription(
  core: EventCore,
  current: Stripe.Subscription,
  state: SubscriptionState,
  mapping: ProviderMapping | null,
  welcome: MailMark | null,
): Promise<StoredSubscription | null> {
  const now = core.clock.now().toISOString();
  const identity = readIdentity(current);
  const [userId, suppressed] = await Promise.all([
    mapping?.userId ?? claimUser(core, identity, now),
    identity !== null && isSuppressed(core, identity),
  ]);
  const record: Subscription = {
    ...newSubscription(current, state, userId, now),
    mails: welcome ? { welcome } : {},
  };
  const [isNew, keeping, records] = await Promise.all([
    core.subscriptions.insert(record),
    core.users.keepSubscription(userId, current.id, now),
    core.subscriptions.listByUser(userId),
    mapping ? null : mapCustomer(core, userId, state.stpCustomerId, now),
  ]);
  return isNew ? { record, keeping, records, isSuppressed: suppressed } : null;
}

function readIdentity(current: Stripe.Subscription): string | null {
  const address = customerAddress(current);
  try {
    return address === null ? null : parseAddress(address).identity;
  } catch {
    return null;
  }
}

async function claimUser(core: EventCore, identity: string | null, now: string): Promise<string> {
  if (identity === null) throw new NestError("customer_email_missing");
  return (await claimIdentifier(core, identity, now)).userId;
}

/**
 * Notes whose customer this is; the first to say so is believed.
 * @throws NestError unavailable if it is another user's
 */
export async function mapCustomer(
  core: EventCore,
  userId: string,
  customer: string,
  now: string,
): Promise<void> {
  const isNew = await core.providerMappings.insert({
    _id: newId("providerMapping"),
    userId,
    providerType: "stripe",
    providerValue: customer,
    createdAt: now,
    updatedAt: now,
    removedAt: null,
  });
  if (isNew) return;
  const winner = await core.providerMappings.findByCustomer(customer);
  if (winner?.userId !== userId)
    throw new NestError("unavailable", { detail: "the customer was mapped to another user meanwhile" });
}
