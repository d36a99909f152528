import type Stripe from "stripe";
import type { SubscriptionEvent } from "#core/billing/events/outcome.ts";
import type { SubscriptionState } from "#core/repositories/subscriptions.ts";

/** What was read from Stripe because of an event about a subscription. */
export interface StripeReading {
  event: SubscriptionEvent;
  /** Stripe's time of the event. A test clock of Stripe can be ahead of Nest's clock. */
  occurredAt: Date;
  /** The current subscription at Stripe. */
  current: Stripe.Subscription;
  /** The fields of the subscription that our record stores. */
  state: SubscriptionState;
}
