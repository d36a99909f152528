import type { EventSource } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";
import type { DisabledReason } from "#core/repositories/webhook_document.ts";

const about = (id: string) => ({ userId: null, target: { type: "webhook", id } as const });

/** The event of a webhook that was created or deleted, or that a test message was asked for. */
export const webhookEvent = (
  type: "webhook.created" | "webhook.deleted" | "webhook.test",
  webhookId: string,
  source: EventSource,
  at: string,
): StoredEvent => recordEvent(type, { ...about(webhookId), data: {} }, source, at);

/** The event of a webhook that was changed. @param fields their names; `secret` for a new secret */
export const webhookUpdated = (
  webhookId: string,
  fields: readonly string[],
  source: EventSource,
  at: string,
): StoredEvent =>
  recordEvent("webhook.updated", { ...about(webhookId), data: { fields: fields.join(" ") } }, source, at);

/** The event of a webhook one of whose deliveries is sent again. */
export const deliveryRetried = (
  webhookId: string,
  deliveryId: string,
  source: EventSource,
  at: string,
): StoredEvent =>
  recordEvent(
    "webhook.updated",
    { ...about(webhookId), data: { fields: "deliveries", deliveryId } },
    source,
    at,
  );

/** The event of a webhook that Nest disabled. */
export const webhookDisabled = (
  webhookId: string,
  reason: DisabledReason,
  source: EventSource,
  at: string,
): StoredEvent => recordEvent("webhook.disabled", { ...about(webhookId), data: { reason } }, source, at);
