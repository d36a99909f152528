import type { Command } from "commander";
import { findUserId } from "#core/personal_data/find_person.ts";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { table } from "#tools/terminal/table.ts";

/** `consent history`. */
export function consentCommands(program: Command): void {
  const consent = program.command("consent").description("marketing consent and its proof");
  const history = consent
    .command("history")
    .argument("<user>", "a user id, email address or phone number with its plus sign")
    .description("lists every choice of a user with time, IP address and client, oldest first");
  examples(history, ["consent history ada@example.com"]);
  act(history, (terminal, who: string) =>
    withAccounts(terminal, async (core) => {
      const found = await core.marketingConsents.findByUser(await findUserId(core, who));
      const rows = (found?.history ?? []).map(({ changedAt, level, ip, clientId }) => [
        changedAt,
        level,
        ip ?? "internal",
        clientId ?? "-",
      ]);
      terminal.show(
        { level: found?.level ?? null, history: found?.history ?? [] },
        rows.length > 0 ? table(rows) : "The user has not chosen yet.",
      );
    }),
  );
}
