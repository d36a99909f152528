import type { EventSource } from "#core/events/event_source.ts";
import { newId } from "#core/ids.ts";
import type { EventTarget, EventType, StoredEvent } from "#core/repositories/outbox.ts";

/** The data of each event: ids, and words of a fixed list. No address and no secret. */
interface EventData {
  /** The session ended. `reason`: as in the session. */
  "session.revoked": { reason: string };
}

/** What an event is about. */
interface About<Type extends EventType> {
  /** The user whose account it is about. */
  userId: string;
  target: EventTarget;
  data: EventData[Type];
}

/**
 * Creates an event. The write that makes the change stores it on the changed document, so that the event is there exactly
 * when the change is (decision 28). The job `move_events` moves it to `audit_logs`.
 * @param at ISO, the time of the change
 */
export function recordEvent<Type extends EventType>(
  type: Type,
  { userId, target, data }: About<Type>,
  source: EventSource,
  at: string,
): StoredEvent {
  return { id: newId("event"), type, at, userId, target, ...source, data: { ...data } };
}
