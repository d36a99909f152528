import type { EventSource } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";

const about = (userId: string) => ({ userId, target: { type: "user", id: userId } as const });

/** The event of a user whose profile or status was changed. @param fields their names */
export function userUpdated(
  userId: string,
  fields: readonly string[],
  source: EventSource,
  at: string,
): StoredEvent {
  return recordEvent("user.updated", { ...about(userId), data: { fields: fields.join(" ") } }, source, at);
}

/** The event of a user who can't sign in any more. */
export function userDisabled(userId: string, source: EventSource, at: string): StoredEvent {
  return recordEvent("user.disabled", { ...about(userId), data: {} }, source, at);
}
