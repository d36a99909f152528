import { ALL_EVENTS } from "#core/events/announced_types.ts";
import { derivedIdOf, idOfBoth } from "#core/ids.ts";
import type { AuditLog } from "#core/repositories/audit_logs.ts";
import type { WebhookDelivery } from "#core/repositories/webhook_deliveries.ts";
import type { Webhook } from "#core/repositories/webhook_document.ts";
import type { WebhookMessage } from "#core/repositories/webhook_messages.ts";
import { purgeDeliveryAfter, purgeMessageAfter } from "#core/retention.ts";

/** What a message needs of the row of its event. */
type Announced = Omit<AuditLog, "purgeAt" | "outcome" | "errorCode" | "origin" | "originUntil">;

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * The message of an event. The same event always gives the same bytes. It has ids and words of fixed lists: a receiver that needs
 * more asks the API, which returns the present state. Where the call came from is not in it.
 */
export function messageOf(row: Announced, now: Date): WebhookMessage {
  const { _id, occurredAt, action, actor, target, userId, clientId, sessionId, data } = row;
  const details = Object.fromEntries(Object.entries(data).map(([name, value]) => [snakeCase(name), value]));
  const body = {
    type: action,
    timestamp: occurredAt,
    data: {
      event_id: derivedIdOf(_id, "event"),
      ...{ user_id: userId, client_id: clientId, session_id: sessionId, actor, target, details },
    },
  };
  return {
    _id: derivedIdOf(_id, "webhookMessage"),
    ...{ eventType: action, occurredAt, body: JSON.stringify(body), userId },
    purgeAt: purgeMessageAfter(now),
  };
}

/**
 * Whether a webhook gets an event, without I/O. It gets nothing that happened before it was created, and nothing about itself
 * except tests.
 */
export function isFor(
  { _id, enabled, eventTypes, clientIds, createdAt }: Webhook,
  { action, target, clientId, occurredAt }: Announced,
): boolean {
  const isAboutItself = target.type === "webhook" && target.id === _id;
  if (!enabled || action === "webhook.test") return enabled && isAboutItself;
  return (
    !isAboutItself &&
    occurredAt >= createdAt &&
    (eventTypes.includes(ALL_EVENTS) || eventTypes.includes(action)) &&
    (clientIds.length === 0 || (clientId !== null && clientIds.includes(clientId)))
  );
}

/** The id of the delivery of a message to a webhook. */
export const deliveryIdOf = (message: Pick<WebhookMessage, "_id">, webhook: Pick<Webhook, "_id">): string =>
  idOfBoth(message._id, webhook._id, "webhookDelivery");

/** The delivery of a message to a webhook, due at once. The same message and webhook always give the same id. */
export function deliveryOf(
  message: WebhookMessage,
  webhook: Pick<Webhook, "_id">,
  now: Date,
): WebhookDelivery {
  const { _id: messageId, eventType } = message;
  const at = now.toISOString();
  return {
    _id: deliveryIdOf(message, webhook),
    ...{ messageId, webhookId: webhook._id, eventType, status: "pending", tries: 0, attempts: [] },
    ...{ nextAttemptAt: at, createdAt: at, purgeAt: purgeDeliveryAfter(now) },
  };
}
