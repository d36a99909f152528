import type { EventSource } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";
import type { Role } from "#core/repositories/roles.ts";

/** The event of a role that was created, changed or deleted. */
export function roleChanged(
  { _id: id, scope, key }: Pick<Role, "_id" | "scope" | "key">,
  change: "created" | "updated" | "deleted",
  source: EventSource,
  at: string,
): StoredEvent {
  const about = { userId: null, target: { type: "role", id } as const, data: { scope, key, change } };
  return recordEvent("role.changed", about, source, at);
}

/** The event of a user whose roles are others now. */
export function rolesChanged(
  userId: string,
  { from, to }: { from: readonly string[]; to: readonly string[] },
  source: EventSource,
  at: string,
): StoredEvent {
  const without = (list: readonly string[], others: readonly string[]) =>
    list.filter((one) => !others.includes(one)).join(" ");
  const data = { added: without(to, from), removed: without(from, to) };
  return recordEvent(
    "user.roles_changed",
    { userId, target: { type: "user", id: userId }, data },
    source,
    at,
  );
}
