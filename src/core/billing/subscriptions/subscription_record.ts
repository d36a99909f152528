import type Stripe from "stripe";
import { subscriptionUpdated } from "#core/events/billing_events.ts";
import { newId } from "#core/ids.ts";
import { carrying } from "#core/repositories/outbox.ts";
import type { Subscription, SubscriptionState } from "#core/repositories/subscriptions.ts";

/** Creates the document of a subscription that is not stored yet, with its first event. */
export function newSubscription(
  { id, created, metadata }: Pick<Stripe.Subscription, "id" | "created" | "metadata">,
  state: SubscriptionState,
  userId: string,
  now: string,
): Subscription {
  const own = { _id: newId("subscription"), userId, stpSubscriptionId: id };
  return {
    ...own,
    ...state,
    trialId: metadata?.trial_id ?? null,
    createdAt: now,
    updatedAt: null,
    stpCreatedAt: new Date(created * 1000).toISOString(),
    version: 1,
    rejectedAt: null,
    isRejectedSilently: false,
    refundedAt: null,
    disputedAt: null,
    disputeStatus: null,
    disputes: [],
    cardFingerprints: [],
    cardSeenBeforeAt: null,
    mails: {},
    ...carrying([subscriptionUpdated(own, state.status, null, now)]),
  };
}
