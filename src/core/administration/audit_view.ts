import { nullable, enum as oneOf, record, strictObject, string } from "zod/mini";
import type { Caller } from "#core/call.ts";
import type { AuditLog } from "#core/repositories/audit_logs.ts";
import { EVENT_TYPES } from "#core/repositories/outbox.ts";
import { hasCapability } from "#core/roles/rights.ts";

/** What rows record. */
export const auditAction = oneOf(EVENT_TYPES);

/** The fields of a row on the wire. */
export const auditFields = strictObject({
  id: string(),
  occurred_at: string(),
  action: string(),
  actor: strictObject({ type: string(), id: nullable(string()) }),
  target: strictObject({ type: string(), id: string() }),
  user_id: nullable(string()),
  account_id: nullable(string()),
  client_id: nullable(string()),
  session_id: nullable(string()),
  request_id: nullable(string()),
  outcome: oneOf(["success", "failure"]),
  error_code: nullable(string()),
  data: record(string(), nullable(string())),
  origin: nullable(strictObject({ ip: string(), user_agent: nullable(string()) })),
});

/**
 * Whether a caller sees from where an act came, with which session, and the name of an internal key. Those are facts about the actor:
 * users see their own, and those of a stranger who tried to sign in as them.
 */
function seesActor({ actor, userId }: Pick<AuditLog, "actor" | "userId">, caller: Caller): boolean {
  if (caller.kind !== "user" || hasCapability(caller, "audit.read")) return true;
  return actor.type === "user"
    ? actor.id === caller.userId
    : actor.type === "anonymous" && userId === caller.userId;
}

/** Translates a row to wire names. @param caller who reads it */
export function auditToWire(row: AuditLog, caller: Caller) {
  const { actor, origin } = row;
  const isSeen = seesActor(row, caller);
  return {
    ...{ id: row._id, occurred_at: row.occurredAt, action: row.action, target: row.target },
    actor: isSeen || actor.type === "user" ? actor : { type: actor.type, id: null },
    ...{ user_id: row.userId, account_id: row.accountId ?? null, client_id: row.clientId },
    session_id: isSeen ? row.sessionId : null,
    request_id: isSeen ? row.requestId : null,
    ...{ outcome: row.outcome, error_code: row.errorCode, data: row.data },
    origin: isSeen && origin ? { ip: origin.ip, user_agent: origin.userAgent } : null,
  };
}
