import type Stripe from "stripe";
import type { SubscriptionEvent } from "#core/billing/events/outcome.ts";
import type { SubscriptionState } from "#core/repositories/subscriptions.ts";

/** What was read from Stripe because of an event about a subscription. */
export interface StripeReading {
  event: SubscriptionEvent;
  /** The subscription as Stripe has it now. */
  current: Stripe.Subscription;
  /** What our record stores of it. */
  state: SubscriptionState;
}
