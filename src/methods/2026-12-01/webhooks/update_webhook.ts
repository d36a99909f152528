/**
 * Changes a webhook, or enables or disables it.
 *
 * Needs the capability `webhooks.manage`. A field that is left out stays as it is. When a webhook is disabled, deliveries that wait are
 * abandoned, and events that happen meanwhile are not sent later. Its secret stays; `rotate_webhook_secret` replaces it.
 */
import { boolean, optional, strictObject } from "zod/mini";
import { byCaller } from "#core/events/event_source.ts";
import { updateWebhook } from "#core/webhooks/change_webhooks.ts";
import { receiver } from "#core/webhooks/webhook_parts.ts";
import { webhookFields, webhookParameters, webhookToWire } from "#core/webhooks/webhook_view.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

const { url, events, description, client_ids } = webhookParameters;

export const request = strictObject({
  webhook_id: text(),
  url: optional(url),
  events: optional(events),
  description: optional(description),
  client_ids: optional(client_ids),
  enabled: optional(boolean()),
});
export const response = strictObject({ webhook: webhookFields });

export const handler = rpc({
  name: "update_webhook",
  version: "2026-12-01",
  summary: "Changes a webhook, or enables or disables it.",
  access: "cap:webhooks.manage",
  request,
  response,
  errors: [
    "reauthentication_required",
    "webhook_url_not_allowed",
    "unknown_event",
    "client_not_found",
    "webhook_not_found",
  ],
  parts: { receiver },
  async run({ core, request: { webhook_id: id, client_ids: clientIds, ...wanted }, caller, call }) {
    const webhook = await updateWebhook(core, id, { ...wanted, clientIds }, byCaller(caller, call));
    return { webhook: webhookToWire(webhook) };
  },
});
