import type { Command } from "commander";
import { pendingMigrations } from "#tools/migrations/migrate.ts";
import { dumpDatabase } from "#tools/operator/dump/dump.ts";
import type { Manifest } from "#tools/operator/dump/format.ts";
import { loadDatabase } from "#tools/operator/dump/load.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { table } from "#tools/terminal/table.ts";

const FOLDER = "<folder>";

/** `db dump` and `db load`. */
export function dumpCommands(db: Command): void {
  const dump = db
    .command("dump")
    .argument(FOLDER, "a folder that does not exist yet")
    .description("writes every document, personal data included, to files in a new folder");
  examples(dump, ["db dump nest-2026-01-31"]);
  act(dump, (terminal, folder: string) =>
    onDatabase(terminal, async (database) => {
      const manifest = await dumpDatabase(database, folder);
      terminal.show(manifest, [...countsOf(manifest), `Dumped ${database.databaseName} to ${folder}.`]);
    }),
  );

  const load = db
    .command("load")
    .argument(FOLDER)
    .description("fills an empty database from a dump, and creates its indexes");
  examples(load, ["db load nest-2026-01-31"]);
  act(load, (terminal, folder: string) =>
    onDatabase(terminal, async (database) => {
      const manifest = await loadDatabase(database, folder);
      terminal.show(manifest, [
        ...countsOf(manifest),
        `Loaded ${folder}, created ${manifest.made_at}, into ${database.databaseName}.`,
        ...((await pendingMigrations(database)).length > 0
          ? ["This dump is of an earlier release. Run `db migrate --apply` before this release serves it."]
          : []),
      ]);
    }),
  );
}

const countsOf = ({ collections }: Manifest) =>
  table(Object.entries(collections).map(([name, { documents }]) => [name, String(documents)]));
