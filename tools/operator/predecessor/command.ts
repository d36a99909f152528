import type { Command } from "commander";
import type { Db } from "mongodb";
import { missingIndexes } from "#core/repositories/index_setup.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import { importPredecessor, type Moving } from "#tools/operator/predecessor/import.ts";
import { act, examples, type Terminal, table } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";

const FROM = "FROM_MONGODB_URI";

/** `db import`: the documents of the service of 2022. */
export function importCommand(db: Command): void {
  const command = db
    .command("import")
    .option("--apply", "then move them; safe to repeat")
    .description("says what would become of the documents of the service of 2022, in FROM_MONGODB_URI");
  examples(command, ["db import", "db import --apply"]);
  act(command, (terminal, { apply = false }: { apply?: boolean }) =>
    onDatabase(terminal, async (to) => {
      if (!terminal.environment[FROM])
        throw new CommandError(`${FROM} does not say where the documents of 2022 are.`);
      if ((await missingIndexes(to)).length > 0)
        throw new CommandError("Indexes are missing: `db setup` first.");
      const move = async (from: Db) => {
        if (sameServer(from, to) && from.databaseName === to.databaseName)
          throw new CommandError(`${FROM} and MONGODB_URI name one database: Nest needs one of its own.`);
        return told(terminal, await importPredecessor(from, to, apply), apply);
      };
      return onDatabase(terminal, move, FROM);
    }),
  );
}

const hostsOf = ({ client }: Db) => client.options.hosts.map(String).sort().join(",");
const sameServer = (one: Db, other: Db) => hostsOf(one) === hostsOf(other);

/** @returns whether every document went over */
function told(terminal: Terminal, movings: readonly Moving[], isApplied: boolean): boolean {
  const leftOut = movings.flatMap(({ collection, leftOut }) =>
    leftOut.map(({ id, reason }) => `left out: ${collection} ${id}: ${reason}`),
  );
  terminal.show({ applied: isApplied, collections: movings }, [
    ...table([
      ["collection", "read", "new", "changed", "as before", "ours is newer", "left out"],
      ...movings.map((moving) => [
        moving.collection,
        ...[
          moving.read,
          moving.inserted,
          moving.replaced,
          moving.unchanged,
          moving.kept,
          moving.leftOut.length,
        ].map(String),
      ]),
    ]),
    ...leftOut,
    isApplied ? "Moved." : "Nothing was changed: say --apply.",
  ]);
  return leftOut.length === 0;
}
