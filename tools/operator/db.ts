import type { Command } from "commander";
import { createIndexes, missingIndexes } from "#core/repositories/index_setup.ts";
import { dumpCommands } from "#tools/operator/dump/commands.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import { importCommand } from "#tools/operator/predecessor/command.ts";
import { act, examples } from "#tools/terminal/command.ts";

/**
 * `db setup` makes every index that the code rests on; `db check` says which are missing; `db dump` and `db load` are a
 * backup; `db import` moves what was there before Nest.
 */
export function databaseCommands(program: Command): void {
  const db = program.command("db").description("the database: its indexes, and what came before it");
  for (const [name, what] of [
    ["setup", "makes every collection and index that is missing; safe to repeat"],
    ["check", "says which indexes are missing, and ends with status 1 if any is"],
  ] as const) {
    const command = db.command(name).description(what);
    examples(command, [`db ${name}`]);
    act(command, (terminal) =>
      onDatabase(terminal, async (database) => {
        if (name === "setup") await createIndexes(database);
        const missing = await missingIndexes(database);
        const words = missing.map((index) => `missing: ${index}`);
        const allIsWell = `Every index is there in ${database.databaseName}.`;
        terminal.show({ database: database.databaseName, missing }, missing.length > 0 ? words : allIsWell);
        return missing.length === 0;
      }),
    );
  }
  dumpCommands(db);
  importCommand(db);
}
