import type { Call, Caller } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { auditRead } from "#core/events/audit_events.ts";
import { type AuditCore, auditNow } from "#core/events/audit_row.ts";
import { cutPage, type ListName, type Page } from "#core/paging.ts";
import type { AuditFilter, AuditLog } from "#core/repositories/audit_logs.ts";
import { hasCapability } from "#core/roles/rights.ts";

type ListCore = AuditCore & Pick<Core, "clock">;

/** A page of the audit log. */
export interface AuditPage {
  rows: AuditLog[];
  nextCursor: string | null;
}

/**
 * What a caller asks for, with times as rows store them. A caller who may not read all rows, and names neither a user nor an
 * account, asks for their own rows.
 */
export function auditFilterOf(asked: AuditFilter, caller: Caller): AuditFilter {
  const { userId, accountId, from, to } = asked;
  const isOwn = userId === undefined && accountId === undefined && !hasCapability(caller, "audit.read");
  return {
    ...asked,
    ...(isOwn && caller.kind === "user" && { userId: caller.userId }),
    ...(from !== undefined && { from: new Date(from).toISOString() }),
    ...(to !== undefined && { to: new Date(to).toISOString() }),
  };
}

/**
 * Lists rows of the audit log, the newest first. If they are not the caller's own, this is recorded before they are returned, for
 * every page: a cursor can be made up.
 * @param filter of `auditFilterOf`
 */
export async function listAuditLogs(
  core: ListCore,
  { filter, caller, call }: { filter: AuditFilter; caller: Caller; call: Call },
  page: Page,
  list: ListName,
): Promise<AuditPage> {
  const found = await core.auditLogs.listPage(filter, { ...page, limit: page.limit + 1 });
  const isOwn = caller.kind === "user" && filter.userId === caller.userId;
  if (!isOwn) await auditNow(core, auditRead(filter, caller, call, core.clock.now().toISOString()));
  const positions = found.map((row) => ({ ...row, createdAt: row.occurredAt }));
  const { items, nextCursor } = cutPage(positions, page.limit, list);
  return { rows: items, nextCursor };
}
