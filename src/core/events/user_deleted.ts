import type { EventSource } from "#core/events/event_source.ts";
import { recordOnce } from "#core/events/record_event.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";

/** The event of the removal of a user. A repeated removal gives the same id. */
export function userDeleted(userId: string, source: EventSource, at: string): StoredEvent {
  const about = { userId, target: { type: "user", id: userId } as const, data: {} };
  return recordOnce("user.deleted", about, source, { id: userId, at });
}
