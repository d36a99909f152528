/** `POST /1/webhook/stripe`: verifies the signature of a Stripe event, stores it, processes it, then responds. */
import { literal, strictObject } from "zod/mini";
import { processEvent } from "#core/billing/events/stripe_events.ts";
import { readSignedEvent } from "#core/billing/events/stripe_signature.ts";
import { billing, mailer, stripe, webhookSecrets } from "#core/parts.ts";
import { webhook } from "#entry/webhook.ts";

export const response = strictObject({ received: literal(true) });

export const handler = webhook({
  name: "stripe",
  summary: "Receives events from Stripe.",
  response,
  errors: [
    "missing_webhook_body",
    "invalid_webhook_payload",
    "subscription_not_ready",
    "subscription_not_valid",
    "customer_email_missing",
    "stripe_error",
    "email_not_sent",
  ],
  parts: { billing, mailer, stripe, webhookSecrets },
  async run({ core, body, header }) {
    const event = readSignedEvent(body, header("stripe-signature"), core.webhookSecrets, core.clock.now());
    await processEvent(core, event);
    return { received: true as const };
  },
});
