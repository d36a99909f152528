import { STRIPE_EVENTS } from "#core/billing/events/event_types.ts";

export const path = "docs/stripe_events.md";

export async function render() {
  return [
    "# Stripe's events",
    "What the webhook endpoint is sent and what `POST /1/webhook/stripe` does with it. Before it does anything, it stores " +
      "the event in `stripe-events`; afterwards it notes there what became of it. An event of any other type is answered " +
      "200 and recorded as ignored. Setting the endpoint up and working events again: see [the runbook](runbooks/stripe.md).",
    {
      head: ["Event", "What it does"],
      rows: Object.entries(STRIPE_EVENTS).map(([type, what]) => [`\`${type}\``, what]),
    },
  ];
}
