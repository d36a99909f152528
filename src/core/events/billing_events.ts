import { BY_STRIPE, type EventSource } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { Trial } from "#core/repositories/trials.ts";

/**
 * The event of a subscription whose status at Stripe is another now.
 * @param previous null if the subscription is new
 */
export function subscriptionUpdated(
  { _id: id, userId, stpSubscriptionId }: Pick<Subscription, "_id" | "userId" | "stpSubscriptionId">,
  status: string,
  previous: string | null,
  at: string,
): StoredEvent {
  const data = { stpSubscriptionId, status, previous };
  const about = { userId, target: { type: "subscription", id } as const, data };
  return recordEvent("subscription.updated", about, BY_STRIPE, at);
}

/** The event of a trial that got its subscription at Stripe, or that grants access for the first time. */
export function trialEvent(
  type: "trial.started" | "trial.used",
  { _id: id, userId, stpSubscriptionId }: Pick<Trial, "_id" | "userId" | "stpSubscriptionId">,
  source: EventSource,
  at: string,
): StoredEvent {
  const about = { userId, target: { type: "trial", id } as const, data: { stpSubscriptionId } };
  return recordEvent(type, about, source, at);
}
