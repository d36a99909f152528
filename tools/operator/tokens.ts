import type { Command } from "commander";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";
import { table } from "#tools/terminal/table.ts";

/** `tokens list | revoke`. */
export function tokenCommands(program: Command): void {
  const tokens = program
    .command("tokens")
    .description("tokens of a session; the tokens themselves are not stored");

  const list = tokens
    .command("list")
    .argument("<session>")
    .description("lists the tokens of a session, oldest first");
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
      terminal.show(found, rows.length > 0 ? table(rows, head) : "No token is stored for this session.");
    }),
  );

  const revoke = tokens
    .command("revoke")
    .argument("<token>", "a token id, acstok_... or reftok_..., never the token itself")
    .description("revokes one token; `sessions revoke` revokes all tokens of a session");
  examples(revoke, ["tokens revoke acstok_2Jx..."]);
  act(revoke, (terminal, id: string) =>
    withAccounts(terminal, async (core) => {
      const repository = id.startsWith("reftok_") ? core.refreshTokens : core.accessTokens;
      await terminal.confirm(`${id} will be revoked.`, id);
      if (!(await repository.revoke(id, core.clock.now().toISOString())))
        throw new CommandError("There is no active token of that id. Nothing was changed.");
      terminal.show({ revoked: [id] }, `revoked ${id}`);
    }),
  );
}
