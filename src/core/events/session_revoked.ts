import type { EventSource } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import type { Revocation, RevokedReason, Session } from "#core/repositories/sessions.ts";

/** The revocation of a session, with its event. */
export function revocation(
  { _id: id, userId }: Pick<Session, "_id" | "userId">,
  reason: RevokedReason,
  source: EventSource,
  at: string,
): Revocation {
  const about = { userId, target: { type: "session", id } as const, data: { reason } };
  return { reason, at, events: [recordEvent("session.revoked", about, source, at)] };
}
