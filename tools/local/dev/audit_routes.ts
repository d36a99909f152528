import type { OpenCore } from "#core/core.ts";
import { auditRow } from "#core/events/audit_row.ts";
import type { AuditLog } from "#core/repositories/audit_logs.ts";
import { Outboxes } from "#core/repositories/outboxes.ts";
import { type DevRoute, route } from "#tools/local/dev/route.ts";

/** Rows that one response has at most. */
const SHOWN = 50;
/** Documents of each collection whose events are read, the longest waiting first. The job moves them every minute. */
const WAITING = 1_000;
/** Events have the time of Nest's clock, which a test may advance. */
const END_OF_TIME = "9999";

/** A row of the audit log, as the page shows it. `is_pending`: the job has not moved the event yet. */
const shown = ({ _id, occurredAt, actor, action, target, ...row }: AuditLog, isPending: boolean) => ({
  ...{ id: _id, at: occurredAt, action, actor, target, is_pending: isPending },
  ...{ client_id: row.clientId, session_id: row.sessionId, request_id: row.requestId },
  ...{ outcome: row.outcome, error_code: row.errorCode, data: row.data, ip: row.origin?.ip ?? null },
});

/**
 * The route that returns the audit trail of a user, the newest first. It also has the events that wait on their documents,
 * so that a change is visible at once.
 */
export function auditRoute({ core, mongo }: OpenCore): DevRoute {
  const outboxes = new Outboxes(mongo.database);
  return route("GET", "/dev/users/:id/audit", null, async (_, userId) => {
    // Read first: an event that is moved between the two reads is found twice, and one that is read last could be missed.
    const waiting = await outboxes.list(END_OF_TIME, WAITING);
    const stored = await core.auditLogs.list({ userId }, SHOWN);
    const known = new Set(stored.map(({ _id }) => _id));
    const pending = waiting
      .flatMap(({ events }) => events)
      .filter((event) => event.userId === userId)
      .map((event) => auditRow(core, event))
      .filter(({ _id }) => !known.has(_id));
    const rows = [...pending.map((row) => shown(row, true)), ...stored.map((row) => shown(row, false))];
    return { items: rows.sort(byNewest).slice(0, SHOWN) };
  });
}

function byNewest(one: { at: string; id: string }, other: { at: string; id: string }): number {
  if (one.at !== other.at) return one.at < other.at ? 1 : -1;
  return one.id < other.id ? 1 : -1;
}
