/** What became of an event: nothing to do has a reason. */
export type Outcome = { status: "done" } | { status: "ignored"; reason: string };

export const DONE: Outcome = { status: "done" };

/** What happened, or `reconciled`: the operator's walk over all subscriptions found it (runbooks/stripe.md). */
export type SubscriptionEvent = "created" | "updated" | "deleted" | "trial_will_end" | "reconciled";
