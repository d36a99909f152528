import { byJob } from "#core/events/event_source.ts";
import { webhookEvent } from "#core/events/webhook_events.ts";
import { newId } from "#core/ids.ts";
import type { WebhookDelivery } from "#core/repositories/webhook_deliveries.ts";
import { newWebhookSecret } from "#core/webhooks/webhook_keys.ts";
import { webhookKeys } from "#core/webhooks/webhook_parts.ts";
import type { Judged } from "#tests/deliveries/judge.ts";
import type { Arrival, Receiver } from "#tests/deliveries/receivers.ts";
import type { TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

/** Calls that record events at once, each with a role of its own. */
const ROLES = 4;

/**
 * Stores a webhook for each receiver. `create_webhook` allows 20, so that they are written directly.
 * @returns the receivers by the ids of their webhooks
 */
export async function addWebhooks(
  nest: TestNest,
  receivers: readonly Receiver[],
): Promise<Map<string, Receiver>> {
  const { webhooks, clock } = nest.gateway.core;
  const keys = nest.gateway.part(webhookKeys);
  const added = new Map<string, Receiver>();
  for (const [index, receiver] of receivers.entries()) {
    const _id = newId("webhook");
    const at = clock.now().toISOString();
    const webhook = {
      ...{ _id, slot: index + 1, url: `http://${receiver.host}/`, description: receiver.kind },
      ...{ eventTypes: ["role.changed"], clientIds: [], enabled: true, failingSince: null },
      secrets: [{ value: keys.seal(_id, newWebhookSecret()), expiresAt: null }],
      ...{ disabledReason: null, createdAt: at, updatedAt: null, removedAt: null },
    };
    const event = webhookEvent("webhook.created", _id, byJob("deliveries"), at);
    if (!(await webhooks.insert(webhook, [event]))) throw new Error(`slot ${index + 1} is taken`);
    added.set(_id, receiver);
  }
  return added;
}

/** Records events `role.changed`, by calls. @param first the number of the first: no two events may have the same */
export async function recordEvents(nest: TestNest, first: number, count: number): Promise<void> {
  const record = async (lane: number) => {
    for (let number = first + lane; number < first + count; number += ROLES) {
      const content = { name: `Name ${number}`, level: 0, capabilities: [] };
      const role = { scope: "platform", key: `flood_${number % ROLES}`, ...content };
      const { status, raw } = await nest.call(`${V3}set_role`, role, { internal: true });
      if (status !== 200) throw new Error(raw);
    }
  };
  await Promise.all(Array.from({ length: ROLES }, (_none, lane) => record(lane)));
}

/** Reads every delivery, with what its receiver saw. */
export async function readDeliveries(
  nest: TestNest,
  byWebhook: ReadonlyMap<string, Receiver>,
): Promise<Judged[]> {
  const { database } = nest.gateway.mongo;
  const deliveries = await database.collection<WebhookDelivery>("webhook_deliveries").find().toArray();
  const seen = new Map([...byWebhook].map(([id, { arrivals }]) => [id, byMessage(arrivals)] as const));
  return deliveries.map((delivery) => ({
    kind: byWebhook.get(delivery.webhookId)?.kind ?? "works",
    delivery,
    arrivals: seen.get(delivery.webhookId)?.get(delivery.messageId) ?? [],
  }));
}

function byMessage(arrivals: readonly Arrival[]): Map<string, Arrival[]> {
  return Map.groupBy(arrivals, ({ messageId }) => messageId);
}
