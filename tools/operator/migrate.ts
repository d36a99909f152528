import type { Command } from "commander";
import { type MigrationOutcome, migrate } from "#tools/migrations/migrate.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import { act, examples, type Terminal } from "#tools/terminal/command.ts";
import { table } from "#tools/terminal/table.ts";

/** `db migrate`: changes stored documents to the shape that this release reads. */
export function migrateCommand(db: Command): void {
  const command = db
    .command("migrate")
    .option("--apply", "change the documents; safe to repeat, and while the service runs")
    .description("counts the documents that this release needs changed, and changes them with --apply");
  examples(command, ["db migrate", "db migrate --apply"]);
  act(command, (terminal, { apply = false }: { apply?: boolean }) =>
    onDatabase(terminal, async (database) => report(terminal, await migrate(database, apply), apply)),
  );
}

/** @returns false if documents of a required migration were left after `--apply` */
function report(terminal: Terminal, outcomes: readonly MigrationOutcome[], isApplied: boolean): boolean {
  const counted = isApplied ? outcomes.filter(({ is_required }) => is_required) : outcomes;
  const left = counted.reduce((sum, outcome) => sum + outcome.left, 0);
  terminal.show({ applied: isApplied, migrations: outcomes }, [
    ...table(
      outcomes.map(({ name, what, is_required, pending, changed, left: rest }) => [
        ...[name, String(pending), String(changed), String(rest), is_required ? "yes" : "no", what],
      ]),
      ["migration", "pending", "changed", "left", "required", "change"],
    ),
    sentence(left, isApplied),
  ]);
  return !isApplied || left === 0;
}

function sentence(left: number, isApplied: boolean): string {
  if (left === 0) return isApplied ? "Every document is migrated." : "No document needs a change.";
  return isApplied
    ? `${left} documents are left, because the service changed them meanwhile. Run \`db migrate --apply\` again.`
    : `Nothing was changed: ${left} documents are pending. Run \`db migrate --apply\` to change them.`;
}
