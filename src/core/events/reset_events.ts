import type { Call } from "#core/call.ts";
import { byCaller, type EventSource } from "#core/events/event_source.ts";
import { recordEvent, recordOnce } from "#core/events/record_event.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";
import type { Verification } from "#core/repositories/verifications.ts";

type Reset = Pick<Verification, "_id" | "clientId">;
type Owner = Pick<Identifier, "userId">;

const about = ({ _id: verificationId }: Reset, { userId }: Owner) => ({
  ...{ userId, target: { type: "user", id: userId } as const },
  data: { verificationId },
});

/** The event of a reset that somebody asked for. */
export function resetRequested(reset: Reset, owner: Owner, source: EventSource, at: string): StoredEvent {
  return recordEvent("password.reset_requested", about(reset, owner), source, at);
}

/** The event of a password that a reset set. A resumed reset gives the same id. */
export function passwordReset(reset: Reset, owner: Owner, source: EventSource, at: string): StoredEvent {
  return recordOnce("password.reset", about(reset, owner), source, { id: reset._id, at });
}

/** The event of a password that a user set. */
export function passwordSet(userId: string, source: EventSource, at: string): StoredEvent {
  return recordEvent("password.set", { userId, target: { type: "user", id: userId }, data: {} }, source, at);
}

/** The source of an event that a person causes who has the secret of a message to the user's own address. */
export function byOwner({ clientId }: Pick<Reset, "clientId">, { userId }: Owner, call: Call): EventSource {
  return { ...byCaller({ kind: "anonymous" }, call), actor: { type: "user", id: userId }, clientId };
}
