import type { EventSource } from "#core/events/event_source.ts";
import { type RemovedReason, recordEvent } from "#core/events/record_event.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";

type Named = Pick<Identifier, "_id" | "userId" | "identifierType">;

/** An event of an identifier. */
const identifierEvent =
  (type: "identifier.added" | "identifier.verified") =>
  ({ _id: id, userId, identifierType }: Named, source: EventSource, at: string): StoredEvent =>
    recordEvent(type, { userId, target: { type: "identifier", id }, data: { identifierType } }, source, at);

/** The event of an address or number that a user gets or wants to prove. */
export const identifierAdded = identifierEvent("identifier.added");
/** The event of an address or number that its owner proved. */
export const identifierVerified = identifierEvent("identifier.verified");
/**
 * The event of an address or number that was removed from a user.
 * @param named.reason why Nest removed it; undefined: the user did
 */
export function identifierRemoved(
  { _id: id, userId, identifierType, reason }: Named & { reason?: RemovedReason | undefined },
  source: EventSource,
  at: string,
): StoredEvent {
  const data = { identifierType, ...(reason && { reason }) };
  return recordEvent("identifier.removed", { userId, target: { type: "identifier", id }, data }, source, at);
}

/** The event of an identifier that becomes the primary one of its type. */
export function primaryChanged({ _id, userId }: Named, source: EventSource, at: string): StoredEvent {
  const data = { field: "primary_identifier", identifierId: _id } as const;
  return recordEvent("user.updated", { userId, target: { type: "user", id: userId }, data }, source, at);
}
