/**
 * Creates a webhook: a URL that gets events of the app, signed as Standard Webhooks says.
 *
 * Needs the capability `webhooks.manage`. The response is the only one with the secret. The URL must be `https`, on port 443 or 8443, of
 * a host that has public addresses only. A call that is repeated creates another webhook.
 */
import { optional, strictObject, string } from "zod/mini";
import { byCaller } from "#core/events/event_source.ts";
import { createWebhook } from "#core/webhooks/change_webhooks.ts";
import { receiver, webhookKeys } from "#core/webhooks/webhook_parts.ts";
import { webhookFields, webhookParameters, webhookToWire } from "#core/webhooks/webhook_view.ts";
import { rpc } from "#entry/rpc.ts";

const { url, events, description, client_ids } = webhookParameters;

export const request = strictObject({
  url,
  events,
  description: optional(description),
  client_ids: optional(client_ids),
});
export const response = strictObject({ webhook: webhookFields, secret: string() });

export const handler = rpc({
  name: "create_webhook",
  version: "2026-12-01",
  summary: "Creates a webhook: a URL that gets events of the app.",
  access: "cap:webhooks.manage",
  request,
  response,
  errors: [
    "reauthentication_required",
    "webhook_url_not_allowed",
    "unknown_event",
    "client_not_found",
    "too_many_webhooks",
  ],
  parts: { receiver, webhookKeys },
  async run({ core, request: { client_ids: clientIds, ...wanted }, caller, call }) {
    const created = await createWebhook(core, { ...wanted, clientIds }, byCaller(caller, call));
    return { webhook: webhookToWire(created.webhook), secret: created.secret };
  },
});
