import { EVENT_TYPES, type EventType } from "#core/repositories/outbox.ts";

/** Events that are only audited: a stranger causes them, so receivers could be flooded with them; or they change nothing. */
const AUDIT_ONLY: readonly EventType[] = ["user.sign_in_failed", "audit.read"];

/** Every event that webhooks can get, in the order of docs/webhooks.md. */
export const WEBHOOK_EVENTS: readonly EventType[] = EVENT_TYPES.filter((type) => !AUDIT_ONLY.includes(type));

/** Subscribes to all events, also to those that a later version adds. */
export const ALL_EVENTS = "*";

/** Whether an event is announced to webhooks. */
export const isAnnounced = (type: EventType): boolean => !AUDIT_ONLY.includes(type);
