import type { Call, Caller } from "#core/call.ts";
import { byCaller } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import { idOfBoth } from "#core/ids.ts";
import type { EventTarget, StoredEvent } from "#core/repositories/outbox.ts";

/** Length of the date and the hour of a time in ISO 8601. */
const HOUR_LENGTH = "2026-03-14T09".length;

/** The rows that were read: those about a user, those about an account, or all. */
export interface ReadRows {
  userId?: string | undefined;
  accountId?: string | undefined;
}

function targetOf({ userId, accountId }: ReadRows): EventTarget {
  if (accountId !== undefined) return { type: "account", id: accountId };
  return userId === undefined ? { type: "audit_log", id: "all" } : { type: "user", id: userId };
}

/**
 * The event of rows of others that were read. A session that reads the same rows again within an hour gives the same id: every user
 * owns an account, and so could fill the audit log by reading it.
 */
export function auditRead(rows: ReadRows, caller: Caller, call: Call, at: string): StoredEvent {
  const target = targetOf(rows);
  const userId = target.type === "user" ? target.id : null;
  const event = recordEvent("audit.read", { userId, target, data: {} }, byCaller(caller, call), at);
  if (caller.kind !== "user") return event;
  const hour = `${target.type} ${target.id} ${at.slice(0, HOUR_LENGTH)}`;
  return { ...event, id: idOfBoth(caller.sessionId, hour, "event") };
}
