import {
  array,
  boolean,
  maxLength,
  minLength,
  nullable,
  number,
  enum as oneOf,
  strictObject,
  string,
} from "zod/mini";
import {
  ATTEMPT_ERRORS,
  DELIVERY_STATUSES,
  type WebhookDelivery,
} from "#core/repositories/webhook_deliveries.ts";
import type { Webhook } from "#core/repositories/webhook_document.ts";
import type { WebhookMessage } from "#core/repositories/webhook_messages.ts";
import { text } from "#core/wire.ts";

/** What an administrator chooses of a webhook. */
export const webhookParameters = {
  url: text(2000),
  events: array(text(64)).check(minLength(1), maxLength(100)),
  description: nullable(text(200)),
  client_ids: array(text(64)).check(maxLength(20)),
};

/** A webhook on the wire. Its secrets are never part of it. */
export const webhookFields = strictObject({
  id: string(),
  url: string(),
  description: nullable(string()),
  events: array(string()),
  client_ids: array(string()),
  enabled: boolean(),
  disabled_reason: nullable(oneOf(["gone", "failing"])),
  failing_since: nullable(string()),
  created_at: string(),
  updated_at: nullable(string()),
});

export const webhookToWire = (webhook: Webhook) => ({
  id: webhook._id,
  url: webhook.url,
  description: webhook.description,
  events: webhook.eventTypes,
  client_ids: webhook.clientIds,
  enabled: webhook.enabled,
  disabled_reason: webhook.disabledReason,
  failing_since: webhook.failingSince,
  created_at: webhook.createdAt,
  updated_at: webhook.updatedAt,
});

/** What became of a delivery. */
export const deliveryStatus = oneOf(DELIVERY_STATUSES);

/** The fields of a delivery on the wire. */
const delivery = {
  id: string(),
  webhook_id: string(),
  message_id: string(),
  event: string(),
  status: deliveryStatus,
  next_attempt_at: nullable(string()),
  attempts: array(
    strictObject({
      at: string(),
      status: nullable(number()),
      error: nullable(oneOf(ATTEMPT_ERRORS)),
      duration_ms: number(),
    }),
  ),
  created_at: string(),
};

/** A delivery on the wire. */
export const deliveryFields = strictObject(delivery);

/** A delivery with what its message is about. */
export const listedDeliveryFields = strictObject({
  ...delivery,
  user_id: nullable(string()),
  target: nullable(strictObject({ type: string(), id: string() })),
});

export const deliveryToWire = (delivery: WebhookDelivery) => ({
  id: delivery._id,
  webhook_id: delivery.webhookId,
  message_id: delivery.messageId,
  event: delivery.eventType,
  status: delivery.status,
  next_attempt_at: delivery.nextAttemptAt ?? null,
  attempts: delivery.attempts.map(({ at, status, error, durationMs }) => ({
    ...{ at, status, error, duration_ms: durationMs },
  })),
  created_at: delivery.createdAt,
});

/** What a message is about, as its body names it. @param message undefined if it is not stored any more */
export function aboutToWire(message: Pick<WebhookMessage, "body" | "userId"> | undefined) {
  if (message === undefined) return { user_id: null, target: null };
  const { data } = JSON.parse(message.body) as { data: { target: { type: string; id: string } } };
  return { user_id: message.userId, target: { type: data.target.type, id: data.target.id } };
}
