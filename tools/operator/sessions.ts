import type { Command } from "commander";
import { type AccountCore, findUserId } from "#core/personal_data/personal_data.ts";
import type { Session } from "#core/repositories/sessions.ts";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";
import { table } from "#tools/terminal/table.ts";

/** `sessions list | revoke`. */
export function sessionCommands(program: Command): void {
  const sessions = program.command("sessions").description("sessions of users");

  const list = sessions
    .command("list")
    .argument("<user>", "a user id or email address")
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
    .argument("<session or user>", "a session id; or a user id or email address for all sessions of the user")
    .description("revokes one session or all sessions of a user");
  examples(revoke, ["sessions revoke session_2Jx...", "sessions revoke ada@example.com"]);
  act(revoke, (terminal, subject: string) =>
    withAccounts(terminal, async (core) => {
      const now = core.clock.now().toISOString();
      const ids = subject.startsWith("session_") ? [subject] : await activeOf(core, subject, now);
      await terminal.confirm(
        `${ids.length === 1 ? ids[0] : `${ids.length} sessions`} will be revoked.`,
        subject,
      );
      const revoked: string[] = [];
      for (const id of ids) if (await core.sessions.revoke(id, "revoked_by_operator", now)) revoked.push(id);
      if (revoked.length === 0)
        throw new CommandError("There is no active session of that id or user. Nothing was changed.");
      terminal.show(
        { revoked },
        revoked.map((id) => `revoked ${id}`),
      );
    }),
  );
}

const isActive = ({ revokedAt, expiresAt }: Session, now: string) => revokedAt === null && expiresAt > now;

/** All active sessions; the API's list has a maximum length. */
async function activeOf(core: AccountCore, who: string, now: string): Promise<string[]> {
  const sessions = await core.sessions.listByUser(await findUserId(core, who));
  return sessions.filter((one) => isActive(one, now)).map(({ _id }) => _id);
}
