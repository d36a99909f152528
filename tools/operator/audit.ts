import type { Command } from "commander";
import type { Position } from "#core/paging.ts";
import { findUserId } from "#core/personal_data/find_person.ts";
import type { AuditLog } from "#core/repositories/audit_logs.ts";
import { EVENT_TYPES, type EventType } from "#core/repositories/outbox.ts";
import { typedTime } from "#core/wire.ts";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { CommandError, UsageError } from "#tools/terminal/errors.ts";
import { table } from "#tools/terminal/table.ts";

const DEFAULT_LIMIT = "50";
const MAXIMUM = 1_000;

interface ListOptions {
  user?: string;
  action?: string;
  limit: string;
}

interface ExportOptions extends Omit<ListOptions, "limit"> {
  from?: string;
  to?: string;
}

/** `audit list` and `audit export`. */
export function auditCommands(program: Command): void {
  const audit = program.command("audit").description("the audit log: who did what, and when");
  const list = audit
    .command("list")
    .option("--user <user>", "only rows about this user: a user id, email address or phone number")
    .option("--action <action>", "only rows of this action, such as session.revoked")
    .option("--limit <number>", `how many rows, at most ${MAXIMUM}`, DEFAULT_LIMIT)
    .description("lists rows of the audit log, newest first");
  examples(list, ["audit list --user ada@example.com", "audit list --action session.revoked --json"]);
  act(list, (terminal, { user, action, limit }: ListOptions) =>
    withAccounts(terminal, async (core) => {
      const filter = { action: readAction(action), userId: user && (await userIdOf(core, user)) };
      const found = await core.auditLogs.list(filter, readLimit(limit));
      const rows = found.map((row) => [
        row.occurredAt,
        row.action,
        wordsOf(row.actor),
        `${row.target.type} ${row.target.id}`,
        row.errorCode ?? "-",
        factsOf(row),
      ]);
      const head = ["time", "action", "actor", "target", "error", "data"];
      terminal.show(found, rows.length > 0 ? table(rows, head) : "The audit log has no such row.");
    }),
  );
  exportCommand(audit);
}

/** `audit export`. */
function exportCommand(audit: Command): void {
  const command = audit
    .command("export")
    .option("--user <user>", "only rows about this user: a user id, email address or phone number")
    .option("--action <action>", "only rows of this action, such as session.revoked")
    .option("--from <time>", "only rows of this date or time of ISO 8601 and later")
    .option("--to <time>", "only rows before this date or time of ISO 8601")
    .description("prints rows of the audit log as JSON Lines, newest first");
  examples(command, ["audit export --from 2026-11-01 --to 2026-12-01"]);
  act(command, (terminal, { user, action, from, to }: ExportOptions) =>
    withAccounts(terminal, async (core) => {
      const times = { from: readTime("--from", from), to: readTime("--to", to) };
      const filter = { action: readAction(action), userId: user && (await userIdOf(core, user)), ...times };
      let after: Position | null = null;
      do {
        const rows: AuditLog[] = await core.auditLogs.listPage(filter, { limit: MAXIMUM, after });
        for (const row of rows) terminal.print(JSON.stringify(row));
        const last = rows.length === MAXIMUM ? rows.at(-1) : undefined;
        after = last ? { createdAt: last.occurredAt, _id: last._id } : null;
      } while (after !== null);
    }),
  );
}

/** @throws UsageError */
function readTime(option: string, typed: string | undefined): string | undefined {
  if (typed === undefined) return undefined;
  if (!typedTime().safeParse(typed).success)
    throw new UsageError(`${option} must be a date or a time of ISO 8601, such as 2026-11-01.`);
  return new Date(typed).toISOString();
}

/** A user id need not exist: an erased user has no document, but the audit log keeps the rows. */
async function userIdOf(core: Parameters<typeof findUserId>[0], user: string): Promise<string> {
  return user.startsWith("user_") ? user : findUserId(core, user);
}

const wordsOf = ({ type, id }: AuditLog["actor"]) => (id === null ? type : `${type} ${id}`);

const factsOf = ({ data, origin }: AuditLog) =>
  [
    ...Object.entries(data).map(([name, value]) => `${name}=${value}`),
    ...(origin ? [`ip=${origin.ip}`] : []),
  ].join(" ");

/** @throws CommandError */
function readAction(action: string | undefined): EventType | undefined {
  const known = EVENT_TYPES.find((type) => type === action);
  if (action !== undefined && known === undefined)
    throw new CommandError(`No action ${action}. Actions: ${EVENT_TYPES.join(", ")}.`);
  return known;
}

/** @throws UsageError */
function readLimit(typed: string): number {
  const limit = Number(typed);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAXIMUM)
    throw new UsageError(`--limit must be a whole number from 1 to ${MAXIMUM}.`);
  return limit;
}
