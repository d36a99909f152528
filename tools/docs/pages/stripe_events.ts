import { STRIPE_EVENTS } from "#core/billing/events/event_types.ts";

export const path = "docs/stripe_events.md";

/** @returns the blocks of the page */
export async function render() {
  return [
    "# Stripe's events",
    "The event types that `POST /1/webhook/stripe` processes and what each does, for developers and on-call engineers. " +
      "The webhook stores every event in the collection `stripe-events` before it processes it, and records the result " +
      "there. It returns 200 for an event of any other type and records it as ignored. The [runbook](runbooks/stripe.md) " +
      "explains how to set up the endpoint and how to reprocess events.",
    {
      head: ["Event", "What it does"],
      rows: Object.entries(STRIPE_EVENTS).map(([type, what]) => [`\`${type}\``, what]),
    },
    "Next: [Stripe](runbooks/stripe.md), [decision 10](decisions/0010_money.md) on how events are processed.",
  ];
}
