import type { Command } from "commander";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples, table } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** `tokens list | revoke`. */
export function tokenCommands(program: Command): void {
  const tokens = program
    .command("tokens")
    .description("the tokens of a session; what they say is stored nowhere");

  const list = tokens
    .command("list")
    .argument("<session>")
    .description("lists a session's tokens, oldest first");
  examples(list, ["tokens list session_2Jx..."]);
  act(list, (terminal, session: string) =>
    withAccounts(terminal, async (core) => {
      const [access, refresh] = await Promise.all([
        core.accessTokens.listBySessions([session]),
        core.refreshTokens.listBySessions([session]),
      ]);
      const found = [
        ...access.map(({ _id, generation, createdAt, expiresAt, revokedAt }) => ({
          _id,
          generation,
          createdAt,
          expiresAt,
          usedAt: null,
          revokedAt,
        })),
        ...refresh.map(({ _id, generation, createdAt, expiresAt, usedAt, revokedAt }) => ({
          _id,
          generation,
          createdAt,
          expiresAt,
          usedAt,
          revokedAt,
        })),
      ].sort((one, other) => one.createdAt.localeCompare(other.createdAt));
      const rows = found.map(({ _id, generation, createdAt, expiresAt, usedAt, revokedAt }) => [
        _id,
        String(generation),
        createdAt,
        revokedAt ? `revoked ${revokedAt}` : usedAt ? `used ${usedAt}` : `until ${expiresAt}`,
      ]);
      const head = ["token", "generation", "issued", "state"];
      terminal.show(found, rows.length > 0 ? table([head, ...rows]) : "No token is stored for this session.");
    }),
  );

  const revoke = tokens
    .command("revoke")
    .argument("<token>", "acstok_... or reftok_...: an id, never the token itself")
    .description("takes one token back; `sessions revoke` ends all of a session's");
  examples(revoke, ["tokens revoke acstok_2Jx..."]);
  act(revoke, (terminal, id: string) =>
    withAccounts(terminal, async (core) => {
      const repository = id.startsWith("reftok_") ? core.refreshTokens : core.accessTokens;
      await terminal.confirm(`Takes ${id} back.`, id);
      if (!(await repository.revoke(id, core.clock.now().toISOString())))
        throw new CommandError("There is no token that stands by that id.");
      terminal.show({ revoked: [id] }, `revoked ${id}`);
    }),
  );
}
