import type { Core } from "#core/core.ts";
import { subscriptionUpdated } from "#core/events/billing_events.ts";
import type { Subscription, SubscriptionState } from "#core/repositories/subscriptions.ts";

/**
 * Writes the state that Stripe had after the record was read, and records a change of the status.
 * @returns null if the record changed meanwhile and must be read again
 */
export function advanceRecord(
  core: Pick<Core, "clock" | "subscriptions">,
  record: Subscription,
  state: SubscriptionState,
): Promise<Subscription | null> {
  const now = core.clock.now().toISOString();
  const isChanged = state.status !== record.status;
  const events = isChanged ? [subscriptionUpdated(record, state.status, record.status, now)] : [];
  return core.subscriptions.advance(record, state, now, events);
}
