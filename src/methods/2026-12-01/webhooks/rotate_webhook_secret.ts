/**
 * Gives a webhook a new secret.
 *
 * Needs the capability `webhooks.manage`, and a sign-in within the last 10 minutes. For 24 hours each message has two signatures, one
 * for each secret, so that the receiver can replace its secret without losing a message. The response is the only one with the secret.
 */
import { strictObject, string } from "zod/mini";
import { byCaller } from "#core/events/event_source.ts";
import { rotateWebhookSecret } from "#core/webhooks/rotate_secret.ts";
import { webhookKeys } from "#core/webhooks/webhook_parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ webhook_id: text() });
export const response = strictObject({ secret: string(), old_secret_expires_at: string() });

export const handler = rpc({
  name: "rotate_webhook_secret",
  version: "2026-12-01",
  summary: "Gives a webhook a new secret.",
  access: "fresh|cap:webhooks.manage",
  request,
  response,
  errors: ["reauthentication_required", "webhook_not_found"],
  parts: { webhookKeys },
  async run({ core, request: { webhook_id: id }, caller, call }) {
    const { secret, oldExpiresAt } = await rotateWebhookSecret(core, id, byCaller(caller, call));
    return { secret, old_secret_expires_at: oldExpiresAt };
  },
});
