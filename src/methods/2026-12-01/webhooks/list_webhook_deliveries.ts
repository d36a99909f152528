/**
 * Lists the deliveries of a webhook with their attempts, the newest first.
 *
 * Needs the capability `webhooks.manage`. A delivery is kept for 30 days. Of a response only its status is kept. `user_id` and
 * `target` are those of the message. With `user_id`, it lists the deliveries of messages about that user, by the time of the event; a
 * page can then have fewer items than `limit`, or none, while `next_cursor` is not null.
 */
import { array, nullable, optional, strictObject, string } from "zod/mini";
import { pageParameters, readPage } from "#core/paging.ts";
import { listDeliveries } from "#core/webhooks/deliveries.ts";
import {
  aboutToWire,
  deliveryStatus,
  deliveryToWire,
  listedDeliveryFields,
} from "#core/webhooks/webhook_view.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  webhook_id: text(),
  status: optional(deliveryStatus),
  user_id: optional(text()),
  ...pageParameters,
});
export const response = strictObject({ items: array(listedDeliveryFields), next_cursor: nullable(string()) });

export const handler = rpc({
  name: "list_webhook_deliveries",
  version: "2026-12-01",
  summary: "Lists the deliveries of a webhook with their attempts.",
  access: "cap:webhooks.manage",
  request,
  response,
  errors: ["reauthentication_required", "webhook_not_found"],
  async run({ core, request: { limit, cursor, webhook_id: webhookId, status, user_id: userId } }) {
    const query = { webhookId, status, userId };
    const list = { method: "list_webhook_deliveries", filter: query };
    const page = readPage({ limit, cursor }, list);
    const { items, messages, nextCursor } = await listDeliveries(core, query, page, list);
    return {
      items: items.map((delivery) => ({
        ...deliveryToWire(delivery),
        ...aboutToWire(messages.get(delivery.messageId)),
      })),
      next_cursor: nextCursor,
    };
  },
});
