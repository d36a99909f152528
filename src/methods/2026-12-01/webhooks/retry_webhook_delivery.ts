/**
 * Sends a delivery again within seconds, a minute at most, whatever its status.
 *
 * Needs the capability `webhooks.manage`. The message keeps its id, so that the receiver can recognize it, and all its attempts
 * start again. A delivery that is being sent at this moment stays as it is.
 */
import { strictObject } from "zod/mini";
import { byCaller } from "#core/events/event_source.ts";
import { retryDelivery } from "#core/webhooks/deliveries.ts";
import { deliveryFields, deliveryToWire } from "#core/webhooks/webhook_view.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ delivery_id: text() });
export const response = strictObject({ delivery: deliveryFields });

export const handler = rpc({
  name: "retry_webhook_delivery",
  version: "2026-12-01",
  summary: "Sends a delivery again.",
  access: "cap:webhooks.manage",
  request,
  response,
  errors: ["reauthentication_required", "delivery_not_found", "webhook_disabled"],
  async run({ core, request: { delivery_id: id }, caller, call }) {
    return { delivery: deliveryToWire(await retryDelivery(core, id, byCaller(caller, call))) };
  },
});
