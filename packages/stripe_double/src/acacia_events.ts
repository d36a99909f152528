import type { DoubleEvent } from "./types.ts";

/** An event as a webhook endpoint with an older API version receives it. */
export interface OlderEvent extends Omit<DoubleEvent, "data"> {
  data: { object: Record<string, unknown>; previous_attributes?: Record<string, unknown> };
}

/**
 * Renders an event as API version 2025-02-24.acacia does: a subscription has the period itself instead of its items, and
 * one `discount` instead of a list. In other events only the version changes.
 * @see https://docs.stripe.com/changelog/basil/2025-03-31/deprecate-subscription-current-period-start-and-end
 */
export function toAcaciaEvent(event: DoubleEvent): OlderEvent {
  const copy = structuredClone(event) as unknown as OlderEvent;
  copy.api_version = "2025-02-24.acacia";
  const subscription = copy.data.object;
  if (subscription.object !== "subscription") return copy;
  const items = subscription.items as { data: Record<string, unknown>[] };
  const [first] = items.data;
  Object.assign(subscription, {
    current_period_start: first?.current_period_start ?? null,
    current_period_end: first?.current_period_end ?? null,
    discount: null,
  });
  for (const name of ["billing_mode", "billing_schedules", "managed_payments", "status_details"]) {
    delete subscription[name];
  }
  for (const item of items.data) {
    for (const name of ["current_period_start", "current_period_end", "current_trial"]) delete item[name];
  }
  return copy;
}
