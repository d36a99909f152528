import type { Command } from "commander";
import { BY_OPERATOR } from "#core/events/event_source.ts";
import { revocation } from "#core/events/session_revoked.ts";
import { type AccountCore, findUserId } from "#core/personal_data/find_person.ts";
import type { Session } from "#core/repositories/sessions.ts";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";
import { table } from "#tools/terminal/table.ts";

const NONE_ACTIVE = "There is no active session of that id or user. Nothing was changed.";

/** `sessions list | revoke`. */
export function sessionCommands(program: Command): void {
  const sessions = program.command("sessions").description("sessions of users");

  const list = sessions
    .command("list")
    .argument("<user>", "a user id, email address or phone number with its plus sign")
    .option("--all", "include expired and revoked sessions")
    .description("lists a user's sessions, newest first");
  examples(list, ["sessions list ada@example.com", "sessions list user_2Jx... --all --json"]);
  act(list, (terminal, who: string, { all = false }: { all?: boolean }) =>
    withAccounts(terminal, async (core) => {
      const now = core.clock.now().toISOString();
      const userId = await findUserId(core, who);
      const found = (await core.sessions.listByUser(userId)).filter((one) => all || isActive(one, now));
      const rows = found.map((session) => [
        session._id,
        session.device?.platform ?? "-",
        session.createdAt,
        session.lastUsedAt,
        session.revokedAt ? `${session.revokedReason} ${session.revokedAt}` : `until ${session.expiresAt}`,
      ]);
      const head = ["session", "device", "signed in", "last used", "state"];
      terminal.show(found, rows.length > 0 ? table(rows, head) : "The user has no active session.");
    }),
  );

  const revoke = sessions
    .command("revoke")
    .argument(
      "<session or user>",
      "a session id; or a user id, email address or phone number for all sessions of the user",
    )
    .description("revokes one session or all sessions of a user");
  examples(revoke, ["sessions revoke session_2Jx...", "sessions revoke ada@example.com"]);
  act(revoke, (terminal, subject: string) =>
    withAccounts(terminal, async (core) => {
      const now = core.clock.now().toISOString();
      const sessions = await namedBy(core, subject, now);
      if (sessions.length === 0) throw new CommandError(NONE_ACTIVE);
      await terminal.confirm(
        `${sessions.length === 1 ? sessions[0]?._id : `${sessions.length} sessions`} will be revoked.`,
        subject,
      );
      const revoked: string[] = [];
      for (const session of sessions) {
        const end = revocation(session, "revoked_by_operator", BY_OPERATOR, now);
        if (await core.sessions.revoke(session._id, end)) revoked.push(session._id);
      }
      if (revoked.length === 0) throw new CommandError(NONE_ACTIVE);
      terminal.show(
        { revoked },
        revoked.map((id) => `revoked ${id}`),
      );
    }),
  );
}

const isActive = ({ revokedAt, expiresAt }: Session, now: string) => revokedAt === null && expiresAt > now;

/** The session of an id, or all active sessions of a user; the API's list has a maximum length. */
async function namedBy(core: AccountCore, subject: string, now: string): Promise<Session[]> {
  if (subject.startsWith("session_"))
    return [await core.sessions.find(subject)].filter((one) => one !== null);
  const sessions = await core.sessions.listByUser(await findUserId(core, subject));
  return sessions.filter((one) => isActive(one, now));
}
