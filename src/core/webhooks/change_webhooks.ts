import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { webhookEvent, webhookUpdated } from "#core/events/webhook_events.ts";
import { newId } from "#core/ids.ts";
import type { Webhook, WebhookContent } from "#core/repositories/webhook_document.ts";
import { purgeDeliveryAfter } from "#core/retention.ts";
import { type ContentCore, readContent, type WantedWebhook } from "#core/webhooks/webhook_content.ts";
import { newWebhookSecret, type WebhookKeys } from "#core/webhooks/webhook_keys.ts";

export type WebhookCore = Pick<Core, "clock" | "webhookDeliveries" | "webhooks">;

/** The most webhooks of an app. Each event is compared with all of them. */
export const WEBHOOKS_LIMIT = 20;

/** @throws NestError webhook_not_found */
export function requireWebhook(webhook: Webhook | null): Webhook {
  if (!webhook) throw new NestError("webhook_not_found");
  return webhook;
}

/**
 * Creates a webhook. Its slot is unique among the webhooks that are not deleted, so that simultaneous calls can't exceed the limit.
 * @returns the webhook, and its secret, which is shown once
 * @throws NestError webhook_url_not_allowed, unknown_event, client_not_found, too_many_webhooks
 */
export async function createWebhook(
  core: WebhookCore & ContentCore & { webhookKeys: WebhookKeys },
  wanted: WantedWebhook & { url: string; events: readonly string[] },
  source: EventSource,
): Promise<{ webhook: Webhook; secret: string }> {
  const empty = { description: null, clientIds: [], enabled: true };
  const content = { ...empty, ...(await readContent(core, wanted)) } as WebhookContent;
  const _id = newId("webhook");
  const secret = newWebhookSecret();
  const secrets = [{ value: core.webhookKeys.seal(_id, secret), expiresAt: null }];
  for (let attempt = 0; attempt <= WEBHOOKS_LIMIT; attempt++) {
    const slot = freeSlot(await core.webhooks.list(), _id);
    if (slot === null) throw new NestError("too_many_webhooks");
    const at = core.clock.now().toISOString();
    const dates = { createdAt: at, updatedAt: null, removedAt: null };
    const webhook = { _id, slot, ...content, secrets, failingSince: null, disabledReason: null, ...dates };
    if (await core.webhooks.insert(webhook, [webhookEvent("webhook.created", _id, source, at)]))
      return { webhook, secret };
  }
  throw new NestError("unavailable", { detail: "other calls created webhooks" });
}

/**
 * Chooses a slot that is free.
 * @param id the new webhook: simultaneous calls choose different slots by it
 * @returns null if there are as many webhooks as an app can have
 */
function freeSlot(webhooks: readonly Pick<Webhook, "slot">[], id: string): number | null {
  const slots = Array.from({ length: WEBHOOKS_LIMIT }, (_none, index) => index + 1);
  const free = slots.filter((slot) => webhooks.every((webhook) => webhook.slot !== slot));
  const sum = [...id].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return free[sum % free.length] ?? null;
}

/**
 * Changes a webhook. Deliveries that wait are abandoned when it is disabled. Another URL, or enabling it again, forgets that it failed.
 * @throws NestError webhook_not_found, webhook_url_not_allowed, unknown_event, client_not_found
 */
export async function updateWebhook(
  core: WebhookCore & ContentCore,
  id: string,
  wanted: WantedWebhook,
  source: EventSource,
): Promise<Webhook> {
  const read = requireWebhook(await core.webhooks.find(id));
  const content = await readContent(core, wanted);
  const fields = Object.entries(content)
    .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(read[name as keyof WebhookContent]))
    .map(([name]) => name);
  // Also if it is disabled already: a call that stopped may have left deliveries.
  if (content.enabled === true && !read.enabled) await core.webhookDeliveries.abandon([id]);
  const changed = fields.length === 0 ? read : await write(core, read, { content, fields, source });
  if (content.enabled === false) await core.webhookDeliveries.abandon([id]);
  return changed;
}

/** @throws NestError webhook_not_found if it was deleted meanwhile */
async function write(
  core: WebhookCore,
  { _id }: Webhook,
  { content, fields, source }: { content: Partial<WebhookContent>; fields: string[]; source: EventSource },
): Promise<Webhook> {
  const at = core.clock.now().toISOString();
  const isOther = fields.includes("url") || fields.includes("enabled");
  const forgotten = isOther ? { failingSince: null, disabledReason: null } : {};
  const names = fields.map((name) => WIRE_NAMES[name] ?? name);
  const events = [webhookUpdated(_id, names, source, at)];
  return requireWebhook(await core.webhooks.change(_id, { ...content, ...forgotten }, { at, events }));
}

/** The names on the wire of fields that are called otherwise there. */
const WIRE_NAMES: Readonly<Record<string, string>> = { eventTypes: "events", clientIds: "client_ids" };

/**
 * Deletes a webhook. Deliveries that wait are abandoned. A repeated call changes nothing, and abandons what a call that stopped
 * has left. A deleted webhook is found for 30 days.
 * @returns when it was deleted, ISO
 * @throws NestError webhook_not_found
 */
export async function deleteWebhook(core: WebhookCore, id: string, source: EventSource): Promise<string> {
  const now = core.clock.now();
  const at = now.toISOString();
  const events = [webhookEvent("webhook.deleted", id, source, at)];
  const isRemoved = await core.webhooks.remove(id, { at, events }, purgeDeliveryAfter(now));
  const removedAt = isRemoved ? at : await core.webhooks.findRemoval(id);
  if (removedAt === null) throw new NestError("webhook_not_found");
  await core.webhookDeliveries.abandon([id]);
  return removedAt;
}
