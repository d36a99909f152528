import { WEBHOOK_EVENTS } from "#core/events/announced_types.ts";
import { cursorAfter } from "#core/paging.ts";
import { ATTEMPT_ERRORS, DELIVERY_STATUSES } from "#core/repositories/webhook_deliveries.ts";
import type { FieldDocumentation } from "#tools/openapi/field_documentation.ts";

type Timestamp = (description: string, example?: string | null) => FieldDocumentation;

const WEBHOOK = "webhook_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp";
const DELIVERY = "whdel_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys";
const MESSAGE = "msg_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk";
const SECRET: FieldDocumentation = {
  description:
    "The secret that signs messages: `whsec_` and base64 of 32 bytes. Keep it where the receiver reads it: it is never shown again.",
  example: "whsec_<base64 of 32 bytes>",
};
const URL: FieldDocumentation = {
  description: "The URL that gets the messages.",
  example: "https://hooks.example.com/nest",
};
const EVENTS: FieldDocumentation = {
  description: `Events of these types are sent to the webhook. \`*\` stands for every type, also of later versions. The types are ${WEBHOOK_EVENTS.map((type) => `\`${type}\``).join(", ")}.`,
  example: ["user.created", "user.deleted"],
};
const LIST_FILTER = {
  webhookId: WEBHOOK,
  status: "failed",
  userId: "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk",
} as const;
const CURSOR = cursorAfter(
  { createdAt: "2026-03-14T09:26:53.589Z", _id: DELIVERY },
  { method: "list_webhook_deliveries", filter: LIST_FILTER },
);
const DELIVERY_STATUS =
  "`pending`: it will be sent, or sent again. `succeeded`. `failed`: its last attempt failed. `abandoned`: its webhook was disabled or deleted before it succeeded.";

/** The fields of one webhook, wherever a method returns it. */
function webhookAt(path: string, timestamp: Timestamp): Readonly<Record<string, FieldDocumentation>> {
  return {
    [`${path}.id`]: { description: "The webhook's id.", example: WEBHOOK },
    [`${path}.url`]: URL,
    [`${path}.created_at`]: timestamp("When the webhook was created."),
    [`${path}.updated_at`]: timestamp("When the webhook last changed; null if it never did.", null),
    [`${path}.enabled`]: { description: "Whether it gets events.", example: true },
  };
}

/** The fields of one delivery, wherever a method returns it. */
function deliveryAt(path: string, timestamp: Timestamp): Readonly<Record<string, FieldDocumentation>> {
  return {
    [`${path}.id`]: { description: "The delivery's id.", example: DELIVERY },
    [`${path}.status`]: {
      description: DELIVERY_STATUS,
      example: "failed",
      narrows: { enum: DELIVERY_STATUSES },
    },
    [`${path}.created_at`]: timestamp("When the delivery was created."),
    [`${path}.attempts`]: {
      description: "The attempts that ended, at most the newest 20, the oldest first.",
    },
    [`${path}.attempts[].at`]: timestamp("When the request was sent."),
    [`${path}.attempts[].status`]: {
      description: "The receiver's HTTP status; null without a response.",
      example: 500,
      narrows: { type: ["integer", "null"] },
    },
    [`${path}.attempts[].error`]: {
      description:
        "Why the attempt failed: `status`: another status than 2xx, `timeout`: no response in 15 s, `connection`, `tls`, `dns`, or `address_not_allowed`: the host has an address that is not public. Null for a success.",
      example: "status",
      narrows: { enum: [...ATTEMPT_ERRORS, null] },
    },
  };
}

/** The fields of webhooks and of their deliveries. */
export const webhookFieldDocs = (timestamp: Timestamp): Readonly<Record<string, FieldDocumentation>> => ({
  webhook_id: { description: "The webhook's id.", example: WEBHOOK },
  "create_webhook.url": URL,
  "update_webhook.url": URL,
  events: EVENTS,
  description: {
    description: "A note for people; null: none.",
    example: "Keeps the CRM up to date",
  },
  client_ids: {
    description:
      "Only events that these OAuth clients caused are sent to the webhook. With an empty list all events are sent, also those that no client caused, such as changes by Stripe.",
    example: [],
  },
  disabled_reason: {
    description:
      "Why Nest disabled it: `gone`: the receiver answered 410; `failing`: every message failed for 5 days. Null: Nest did not disable it.",
    example: null,
  },
  failing_since: timestamp("Since when every message has failed; null: the last message arrived.", null),
  "create_webhook.webhook": { description: "The webhook." },
  "update_webhook.webhook": { description: "The webhook as it is now." },
  "list_webhooks.items": { description: "The webhooks, the oldest first." },
  "update_webhook.enabled": { description: "Whether it is to get events.", example: true },
  ...webhookAt("create_webhook.webhook", timestamp),
  ...webhookAt("update_webhook.webhook", timestamp),
  ...webhookAt("list_webhooks.items[]", timestamp),
  secret: SECRET,
  old_secret_expires_at: timestamp("Until when the old secret signs too: 24 hours."),
  "delete_webhook.deleted_at": timestamp("When the webhook was deleted."),
  delivery_id: { description: "The delivery's id.", example: DELIVERY },
  message_id: {
    description: "The message's id, which the receiver gets as `webhook-id` with every attempt.",
    example: MESSAGE,
  },
  event: { description: "The type of the event.", example: "user.created" },
  next_attempt_at: timestamp("When it is sent next; null unless it is pending.", null),
  duration_ms: {
    description: "Milliseconds until the response, or the failure.",
    example: 87,
    narrows: { type: "integer", minimum: 0 },
  },
  "list_webhook_deliveries.status": {
    description: "Only deliveries with this status. Default: all.",
    example: LIST_FILTER.status,
  },
  "list_webhook_deliveries.user_id": {
    description: "Only deliveries of messages about this user.",
    example: LIST_FILTER.userId,
  },
  "list_webhook_deliveries.cursor": {
    description: "The `next_cursor` of the page before, with the same filters. Absent: the first page.",
    example: CURSOR,
  },
  "list_webhook_deliveries.next_cursor": {
    description: "The cursor of the next page; null at the end.",
    example: CURSOR,
  },
  "list_webhook_deliveries.items": { description: "The deliveries of the page, the newest first." },
  "retry_webhook_delivery.delivery": {
    description: "The delivery. It is due now, and is sent within a minute.",
  },
  ...deliveryAt("list_webhook_deliveries.items[]", timestamp),
  "list_webhook_deliveries.items[].user_id": {
    description: "The user whom the message is about; null: nobody, or the user was erased.",
    example: "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk",
  },
  "list_webhook_deliveries.items[].target": {
    description: "What the message is about; null if the message is not stored any more.",
  },
  "list_webhook_deliveries.items[].target.type": { description: "The kind of object.", example: "user" },
  "list_webhook_deliveries.items[].target.id": {
    description: "The object's id.",
    example: "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk",
  },
  ...deliveryAt("retry_webhook_delivery.delivery", timestamp),
});
