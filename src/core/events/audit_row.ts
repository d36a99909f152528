import { DAY, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { isAnnounced } from "#core/events/announced_types.ts";
import { derivedIdOf } from "#core/ids.ts";
import type { AuditLog } from "#core/repositories/audit_logs.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";
import { KEPT_ORIGIN_SECONDS } from "#core/retention.ts";

/** The dependencies of writing a row of the audit log. */
export type AuditCore = Pick<Core, "auditLogs"> & { app: Pick<Core["app"], "auditDays"> };

/**
 * The row of an event. The same event always gives the same row.
 * @param errorCode the code of the response, if the call was refused
 */
export function auditRow(
  { app }: Pick<AuditCore, "app">,
  event: StoredEvent,
  errorCode: string | null = null,
): AuditLog {
  const { id, type, at, origin, ...fields } = event;
  const since = new Date(at);
  const originUntil = plusSeconds(since, KEPT_ORIGIN_SECONDS).toISOString();
  return {
    _id: derivedIdOf(id, "auditLog"),
    ...{ occurredAt: at, action: type, ...fields },
    ...{ outcome: errorCode === null ? "success" : "failure", errorCode },
    ...(fields.target.type === "account" && { accountId: fields.target.id }),
    ...(origin && { origin, originUntil }),
    ...(errorCode === null && isAnnounced(type) && { announceDueAt: at }),
    purgeAt: plusSeconds(since, app.auditDays * DAY),
  };
}

/**
 * Adds the row of an event that no document stores, such as a failed sign-in. A repetition with the same event adds nothing.
 * @param errorCode the code of the response, if the call was refused
 */
export async function auditNow(
  core: AuditCore,
  event: StoredEvent,
  errorCode: string | null = null,
): Promise<void> {
  await core.auditLogs.insertMissing([auditRow(core, event, errorCode)]);
}
