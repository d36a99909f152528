/** The result of an event; an ignored event has a reason. */
export type Outcome = { status: "done" } | { status: "ignored"; reason: string };

export const DONE: Outcome = { status: "done" };

/** The action of an event, or `reconciled` if `nest stripe reconcile` found the subscription (runbooks/stripe.md). */
export type SubscriptionEvent = "created" | "updated" | "deleted" | "trial_will_end" | "reconciled";
