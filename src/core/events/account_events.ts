import type { EventSource } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";

type Member = Pick<AccountMember, "accountId" | "userId">;

const about = ({ accountId: id, userId }: Member) => ({ userId, target: { type: "account", id } as const });

/** The event of an account that a user creates, and owns. */
export function accountCreated(owner: Member, source: EventSource, at: string): StoredEvent {
  return recordEvent("account.created", { ...about(owner), data: {} }, source, at);
}

/** The event of an account whose fields were changed. @param fields their names */
export function accountUpdated(
  id: string,
  fields: readonly string[],
  source: EventSource,
  at: string,
): StoredEvent {
  const target = { type: "account", id } as const;
  return recordEvent(
    "account.updated",
    { userId: null, target, data: { fields: fields.join(" ") } },
    source,
    at,
  );
}

/** The event of a user who became a member of an account. */
export function memberAdded(
  member: Pick<AccountMember, "accountId" | "userId" | "role">,
  source: EventSource,
  at: string,
): StoredEvent {
  return recordEvent("account.user_added", { ...about(member), data: { role: member.role } }, source, at);
}

/** The event of a user who is no member of an account any more. */
export function memberRemoved(member: Member, source: EventSource, at: string): StoredEvent {
  return recordEvent("account.user_removed", { ...about(member), data: {} }, source, at);
}

/** The event of a member who has another role in the account. */
export function memberRoleChanged(
  { role: previous, ...member }: Pick<AccountMember, "accountId" | "userId" | "role">,
  role: string,
  source: EventSource,
  at: string,
): StoredEvent {
  return recordEvent("account.user_role_changed", { ...about(member), data: { role, previous } }, source, at);
}
