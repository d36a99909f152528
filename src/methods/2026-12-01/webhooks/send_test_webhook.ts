/**
 * Sends the event `webhook.test` to a webhook, whatever events it gets.
 *
 * Needs the capability `webhooks.manage`. `list_webhook_deliveries` shows what the receiver answered.
 */
import { strictObject, string } from "zod/mini";
import { byCaller } from "#core/events/event_source.ts";
import { sendTestWebhook } from "#core/webhooks/deliveries.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ webhook_id: text() });
export const response = strictObject({ delivery_id: string() });

export const handler = rpc({
  name: "send_test_webhook",
  version: "2026-12-01",
  summary: "Sends a test event to a webhook.",
  access: "cap:webhooks.manage",
  request,
  response,
  errors: ["reauthentication_required", "webhook_not_found", "webhook_disabled"],
  async run({ core, request: { webhook_id: id }, caller, call }) {
    return { delivery_id: await sendTestWebhook(core, id, byCaller(caller, call)) };
  },
});
