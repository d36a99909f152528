/**
 * The result of an event. An ignored event has a reason. A missing object may exist a moment later, because Stripe's
 * API can lag behind its events. A failed event is stored as failed and is not retried: an operator must act first.
 */
export type Outcome =
  | { status: "done" }
  | { status: "ignored"; reason: string }
  | { status: "missing"; reason: string }
  | { status: "failed"; reason: string };

export const DONE: Outcome = { status: "done" };

/** The action of an event, or `reconciled` if `nest stripe reconcile` found the subscription (runbooks/stripe.md). */
export type SubscriptionEvent =
  | "created"
  | "updated"
  | "deleted"
  | "trial_will_end"
  | "paused"
  | "pending_update_applied"
  | "pending_update_expired"
  | "resumed"
  | "reconciled";
