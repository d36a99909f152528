import { cursorAfter } from "#core/paging.ts";
import { TARGET_TYPES } from "#core/repositories/outbox.ts";
import type { FieldDocumentation } from "#tools/openapi/field_documentation.ts";

type Timestamp = (description: string, example?: string | null) => FieldDocumentation;
type Fields = Readonly<Record<string, FieldDocumentation>>;

const USER = "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk";
const SESSION = "session_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys";
const FILTER = {
  userId: USER,
  actorId: USER,
  accountId: "account_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk",
  action: "account.user_added",
  outcome: "success",
  from: "2026-03-01T00:00:00.000Z",
  to: "2026-04-01T00:00:00.000Z",
} as const;
const CURSOR = cursorAfter(
  { createdAt: "2026-03-14T09:26:53.589Z", _id: "audit_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys" },
  { method: "list_audit_logs", filter: FILTER },
);

const below = (path: string, fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [`${path}.${name}`, field]));

/** The fields of the audit log. */
export const auditFieldDocs = (timestamp: Timestamp): Fields => ({
  ...below("list_audit_logs", {
    user_id: { description: "Only rows about this user.", example: FILTER.userId },
    actor_id: { description: "Only rows about what this user did.", example: FILTER.actorId },
    account_id: { description: "Only rows about this account.", example: FILTER.accountId },
    action: { description: "Only rows of this action.", example: FILTER.action },
    outcome: { description: "Only rows with this outcome.", example: FILTER.outcome },
    from: { description: "Only rows of this date or time of ISO 8601 and later.", example: FILTER.from },
    to: { description: "Only rows before this date or time of ISO 8601.", example: FILTER.to },
    cursor: {
      description: "The `next_cursor` of the page before, with the same filters. Absent: the first page.",
      example: CURSOR,
    },
    next_cursor: { description: "The cursor of the next page; null at the end.", example: CURSOR },
    items: { description: "The rows of the page." },
  }),
  ...below("list_audit_logs.items[]", {
    id: { description: "The row's id.", example: "audit_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys" },
    occurred_at: timestamp("When it happened."),
    action: { description: "What happened: an action of the table in Audit log.", example: FILTER.action },
    actor: { description: "Who did it." },
    "actor.type": {
      description:
        "`user`; `internal`: a caller with an internal key; `anonymous`: a caller who is not signed in; `operator`: a command of `nest`; `stripe`; `job`.",
      example: "user",
      narrows: { enum: ["user", "internal", "anonymous", "operator", "stripe", "job"] },
    },
    "actor.id": {
      description:
        "The user's id, or the name of the internal key or of the job. Null for the others. The name of a key needs `audit.read`.",
      example: USER,
    },
    target: { description: "What was changed or read." },
    "target.type": {
      description: "The kind of the target. `audit_log`: all rows were read.",
      example: "account",
      narrows: { enum: [...TARGET_TYPES] },
    },
    "target.id": { description: "The target's id; `all` for the audit log.", example: FILTER.accountId },
    user_id: { description: "The user it is about; null: about nobody.", example: USER },
    account_id: { description: "The account it is about; null: about none.", example: FILTER.accountId },
    client_id: { description: "The OAuth client of the actor's session; null: none.", example: null },
    session_id: {
      description:
        "The actor's session; null: none. Without `audit.read`, only of what the caller or a stranger did.",
      example: SESSION,
    },
    request_id: {
      description: "The call, as in its response's header. Null like `session_id`.",
      example: "JKJaXmPLvHcESHA=",
    },
    outcome: { description: "`failure`: the call was refused.", example: "success" },
    error_code: { description: "The code of the response of a failure; otherwise null.", example: null },
    data: {
      description: "Ids, and words of a fixed list; the table in Audit log has them for each action.",
      example: { role: "member" },
    },
    origin: {
      description:
        "Where the call came from; null after 90 days, after the user was deleted, and if no call caused it. Without `audit.read`, only of what the caller or a stranger did.",
    },
    "origin.ip": { description: "The IP address.", example: "203.0.113.9" },
    "origin.user_agent": { description: "The user agent; null: none was sent.", example: "Mozilla/5.0" },
  }),
});
