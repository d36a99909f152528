import type { Db } from "mongodb";
import { missingIndexes } from "#core/repositories/index_setup.ts";
import { pendingMigrations } from "#tools/migrations/migrate.ts";
import { type Counts, importDocuments } from "#tools/operator/import_2022/import.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import type { Terminal } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";
import { table } from "#tools/terminal/table.ts";

const FROM = "FROM_MONGODB_URI";

/**
 * Imports the documents of the service of 2022, from the database of FROM_MONGODB_URI.
 * @param isApplied false counts and writes nothing
 * @returns false if a document was left out
 */
export function import2022(terminal: Terminal, isApplied: boolean): Promise<boolean> {
  return onDatabase(terminal, async (to) => {
    if (!terminal.environment[FROM])
      throw new CommandError(`${FROM} is not set: set it to the URI of the database of 2022.`);
    await requirePrepared(to);
    const run = async (from: Db) => {
      if (sameServer(from, to) && from.databaseName === to.databaseName)
        throw new CommandError(
          `${FROM} and MONGODB_URI name the same database. Nest needs a database of its own: set MONGODB_URI to a new one.`,
        );
      return report(terminal, await importDocuments(from, to, isApplied), isApplied);
    };
    return onDatabase(terminal, run, FROM);
  });
}

/** @throws CommandError if indexes or migrations of the database are missing */
export async function requirePrepared(to: Db): Promise<void> {
  if ((await missingIndexes(to)).length > 0)
    throw new CommandError("Indexes are missing in MONGODB_URI: run `db setup` first.");
  // Only complete documents show whether Nest has changed them since an earlier import.
  if ((await pendingMigrations(to)).length > 0)
    throw new CommandError("Documents in MONGODB_URI are not migrated: run `db migrate --apply` first.");
}

const hostsOf = ({ client }: Db) => client.options.hosts.map(String).sort().join(",");
const sameServer = (one: Db, other: Db) => hostsOf(one) === hostsOf(other);

/** @returns false if a document was left out */
function report(terminal: Terminal, all: readonly Counts[], isApplied: boolean): boolean {
  const leftOut = all.flatMap(({ collection, leftOut }) =>
    leftOut.map(({ id, reason }) => `left out: ${collection} ${id}: ${reason}`),
  );
  const rows = all.map(({ collection, read, inserted, replaced, unchanged, kept, leftOut }) => [
    collection,
    ...[read, inserted, replaced, unchanged, kept, leftOut.length].map(String),
  ]);
  terminal.show({ applied: isApplied, collections: all }, [
    ...table(rows, ["collection", "read", "new", "replaced", "unchanged", "kept", "left out"]),
    ...leftOut,
    isApplied ? "Imported." : "Nothing was changed. Run `db import --apply` to import.",
  ]);
  return leftOut.length === 0;
}
