import type { Command } from "commander";
import { type AccountCore, findUserId } from "#core/personal_data/personal_data.ts";
import type { Session } from "#core/repositories/sessions.ts";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples, table } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** `sessions list | revoke`. */
export function sessionCommands(program: Command): void {
  const sessions = program.command("sessions").description("where people are signed in");

  const list = sessions
    .command("list")
    .argument("<user>", "a user's id, or an address")
    .option("--all", "ended ones too")
    .description("lists a user's sessions, newest first");
  examples(list, ["sessions list ada@example.com", "sessions list user_2Jx... --all --json"]);
  act(list, (terminal, who: string, { all = false }: { all?: boolean }) =>
    withAccounts(terminal, async (core) => {
      const now = core.clock.now().toISOString();
      const userId = await findUserId(core, who);
      const found = (await core.sessions.listByUser(userId)).filter((one) => all || stands(one, now));
      const rows = found.map((session) => [
        session._id,
        session.device?.platform ?? "-",
        session.createdAt,
        session.lastUsedAt,
        session.revokedAt ? `${session.revokedReason} ${session.revokedAt}` : `until ${session.expiresAt}`,
      ]);
      const head = ["session", "machine", "signed in", "last used", "state"];
      terminal.show(found, rows.length > 0 ? table([head, ...rows]) : "Signed in nowhere.");
    }),
  );

  const revoke = sessions
    .command("revoke")
    .argument("<session or user>", "a session's id, or a user's id or address for all of theirs")
    .description("signs out one session, or every one of a user");
  examples(revoke, ["sessions revoke session_2Jx...", "sessions revoke ada@example.com"]);
  act(revoke, (terminal, subject: string) =>
    withAccounts(terminal, async (core) => {
      const now = core.clock.now().toISOString();
      const ids = subject.startsWith("session_") ? [subject] : await standingOf(core, subject, now);
      await terminal.confirm(`Signs out ${ids.length === 1 ? ids[0] : `${ids.length} sessions`}.`, subject);
      const revoked: string[] = [];
      for (const id of ids) if (await core.sessions.revoke(id, "revoked_by_operator", now)) revoked.push(id);
      if (revoked.length === 0) throw new CommandError("There is no session that stands by that name.");
      terminal.show(
        { revoked },
        revoked.map((id) => `revoked ${id}`),
      );
    }),
  );
}

const stands = ({ revokedAt, expiresAt }: Session, now: string) => revokedAt === null && expiresAt > now;

/** Every one: what the API lists is bounded. */
async function standingOf(core: AccountCore, who: string, now: string): Promise<string[]> {
  const sessions = await core.sessions.listByUser(await findUserId(core, who));
  return sessions.filter((one) => stands(one, now)).map(({ _id }) => _id);
}
