import type { Command } from "commander";
import { createIndexes, missingIndexes } from "#core/repositories/index_setup.ts";
import { dumpCommands } from "#tools/operator/dump/commands.ts";
import { importCommand } from "#tools/operator/import_users/command.ts";
import { migrateCommand } from "#tools/operator/migrate.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import { act, examples } from "#tools/terminal/command.ts";

/** `db setup | check | dump | load | migrate | import`. */
export function databaseCommands(program: Command): void {
  const db = program.command("db").description("the database: indexes, backups, migrations");
  for (const [name, what] of [
    ["setup", "creates every missing collection and index; safe to repeat"],
    ["check", "lists missing indexes, and ends with status 1 if there is one"],
  ] as const) {
    const command = db.command(name).description(what);
    examples(command, [`db ${name}`]);
    act(command, (terminal) =>
      onDatabase(terminal, async (database) => {
        if (name === "setup") await createIndexes(database);
        const missing = await missingIndexes(database);
        const words = missing.map((index) => `missing: ${index}`);
        const complete = `Every index exists in ${database.databaseName}.`;
        terminal.show({ database: database.databaseName, missing }, missing.length > 0 ? words : complete);
        return missing.length === 0;
      }),
    );
  }
  dumpCommands(db);
  migrateCommand(db);
  importCommand(db);
}
