import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { storeDeliveries } from "#core/events/announce.ts";
import { auditRow } from "#core/events/audit_row.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { deliveryRetried, webhookEvent } from "#core/events/webhook_events.ts";
import { deliveryIdOf, deliveryOf, messageOf } from "#core/events/webhook_message.ts";
import { cutPage, type ListName, type Page } from "#core/paging.ts";
import type { DeliveryStatus, WebhookDelivery } from "#core/repositories/webhook_deliveries.ts";
import type { WebhookMessage } from "#core/repositories/webhook_messages.ts";
import { requireWebhook, type WebhookCore } from "#core/webhooks/change_webhooks.ts";

/**
 * Sends a test message to a webhook, whatever events it gets.
 * @returns the id of the delivery
 * @throws NestError webhook_not_found, webhook_disabled
 */
export async function sendTestWebhook(
  core: WebhookCore & Pick<Core, "app" | "webhookMessages">,
  id: string,
  source: EventSource,
): Promise<string> {
  const now = core.clock.now();
  const event = webhookEvent("webhook.test", id, source, now.toISOString());
  const at = now.toISOString();
  const webhook = requireWebhook(await core.webhooks.find(id));
  if (!webhook.enabled) throw new NestError("webhook_disabled");
  requireWebhook(await core.webhooks.record(id, { at, events: [event] }));
  // So that the delivery can be listed at once. If this fails, the job stores the same documents.
  const row = auditRow(core, event);
  await storeDeliveries(core, [row], [webhook]);
  return deliveryOf(messageOf(row, now), webhook, now)._id;
}

/** A page of deliveries. */
interface DeliveryPage {
  items: WebhookDelivery[];
  /** The messages of the deliveries, by id, without those that have expired. */
  messages: ReadonlyMap<string, WebhookMessage>;
  nextCursor: string | null;
}

/** Which deliveries to list. */
interface DeliveryQuery {
  webhookId: string;
  status: DeliveryStatus | undefined;
  /** The user whom their messages are about; undefined: anybody. */
  userId: string | undefined;
}

type ListCore = WebhookCore & Pick<Core, "webhookMessages">;

/**
 * Lists the deliveries of a webhook with their messages, the newest first. A message is stored for a day longer than its delivery.
 * @throws NestError webhook_not_found
 */
export async function listDeliveries(
  core: ListCore,
  query: DeliveryQuery,
  page: Page,
  list: ListName,
): Promise<DeliveryPage> {
  const { webhookId, status, userId } = query;
  if (userId !== undefined) return listDeliveriesAbout(core, { ...query, userId }, page, list);
  const [webhook, found] = await Promise.all([
    core.webhooks.find(webhookId),
    core.webhookDeliveries.list(webhookId, status, { ...page, limit: page.limit + 1 }),
  ]);
  requireWebhook(webhook);
  const { items, nextCursor } = cutPage(found, page.limit, list);
  const messages = await core.webhookMessages.listByIds(items.map(({ messageId }) => messageId));
  return { items, messages: byId(messages), nextCursor };
}

/**
 * Lists the deliveries of the messages about a user, by the time of the event. A page has the deliveries of as many messages as it may
 * have items: fewer if the webhook did not get all of them, or they have another status.
 */
async function listDeliveriesAbout(
  core: ListCore,
  { webhookId, status, userId }: DeliveryQuery & { userId: string },
  page: Page,
  list: ListName,
): Promise<DeliveryPage> {
  const [webhook, found] = await Promise.all([
    core.webhooks.find(webhookId),
    core.webhookMessages.listByUser(userId, { ...page, limit: page.limit + 1 }),
  ]);
  const { _id } = requireWebhook(webhook);
  const positions = found.map((message) => ({ ...message, createdAt: message.occurredAt }));
  const { items: messages, nextCursor } = cutPage(positions, page.limit, list);
  const ids = messages.map((message) => deliveryIdOf(message, { _id }));
  const read = byId(await core.webhookDeliveries.listByIds(ids));
  const items = ids
    .map((id) => read.get(id))
    .filter((delivery) => delivery !== undefined)
    .filter((delivery) => status === undefined || delivery.status === status);
  return { items, messages: byId(messages), nextCursor };
}

const byId = <Stored extends { _id: string }>(documents: readonly Stored[]): ReadonlyMap<string, Stored> =>
  new Map(documents.map((document) => [document._id, document]));

/**
 * Sends a delivery again, with the same message and all its attempts ahead of it, and records that. A delivery that is being sent
 * stays as it is.
 * @throws NestError delivery_not_found, webhook_disabled
 */
export async function retryDelivery(
  core: WebhookCore,
  id: string,
  source: EventSource,
): Promise<WebhookDelivery> {
  const read = await core.webhookDeliveries.find(id);
  const webhook = read && (await core.webhooks.find(read.webhookId));
  if (!webhook) throw new NestError("delivery_not_found");
  if (!webhook.enabled) throw new NestError("webhook_disabled");
  const at = core.clock.now().toISOString();
  // First, so that nothing is sent again unseen. If the call stops here, its repetition records the event again.
  const events = [deliveryRetried(webhook._id, id, source, at)];
  if (!(await core.webhooks.record(webhook._id, { at, events }))) throw new NestError("delivery_not_found");
  return (await core.webhookDeliveries.retry(id, at)) ?? read;
}
