/**
 * Deletes a webhook.
 *
 * Needs the capability `webhooks.manage`. Deliveries that wait are abandoned. A request that is being sent at this moment still arrives.
 * A repeated call changes nothing and returns the same time, for 30 days.
 */
import { strictObject, string } from "zod/mini";
import { byCaller } from "#core/events/event_source.ts";
import { deleteWebhook } from "#core/webhooks/change_webhooks.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ webhook_id: text() });
export const response = strictObject({ deleted_at: string() });

export const handler = rpc({
  name: "delete_webhook",
  version: "2026-12-01",
  summary: "Deletes a webhook.",
  access: "cap:webhooks.manage",
  request,
  response,
  errors: ["reauthentication_required", "webhook_not_found"],
  async run({ core, request: { webhook_id: id }, caller, call }) {
    return { deleted_at: await deleteWebhook(core, id, byCaller(caller, call)) };
  },
});
