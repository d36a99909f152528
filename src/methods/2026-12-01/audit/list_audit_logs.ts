/**
 * Lists rows of the [audit log](audit.md), the newest first.
 *
 * The capability `audit.read` allows every row. `account.audit.read` in an account allows the rows about the account whose id is sent as
 * `account_id`. Every user may list the rows about themselves, which a call without `user_id` and `account_id` returns.
 * The id of another account gets the same error as an id that does not exist.
 *
 * Rows that are added while a client reads the pages do not move the others. Send a cursor with the same filters as the call that
 * returned it. A row appears within a minute of the change. Listing rows of others is recorded as `audit.read`.
 */
import { array, nullable, enum as oneOf, optional, strictObject, string } from "zod/mini";
import { auditAction, auditFields, auditToWire } from "#core/administration/audit_view.ts";
import { auditFilterOf, listAuditLogs } from "#core/administration/list_audit_logs.ts";
import { pageParameters, readPage } from "#core/paging.ts";
import { text, typedTime } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  user_id: optional(text()),
  account_id: optional(text()),
  actor_id: optional(text()),
  action: optional(auditAction),
  outcome: optional(oneOf(["success", "failure"])),
  from: optional(typedTime()),
  to: optional(typedTime()),
  ...pageParameters,
});
export const response = strictObject({ items: array(auditFields), next_cursor: nullable(string()) });

export const handler = rpc({
  name: "list_audit_logs",
  version: "2026-12-01",
  summary: "Lists rows of the audit log, the newest first.",
  access: "own_user|acct:account.audit.read|cap:audit.read",
  request,
  isBodyOptional: true,
  response,
  errors: ["reauthentication_required", "account_not_found"],
  async run({ core, request: { limit, cursor, user_id, account_id, actor_id, ...asked }, caller, call }) {
    const filter = auditFilterOf(
      { userId: user_id, accountId: account_id, actorId: actor_id, ...asked },
      caller,
    );
    const list = { method: "list_audit_logs", filter: { ...filter } };
    const page = readPage({ limit, cursor }, list);
    const { rows, nextCursor } = await listAuditLogs(core, { filter, caller, call }, page, list);
    return { items: rows.map((row) => auditToWire(row, caller)), next_cursor: nextCursor };
  },
});
