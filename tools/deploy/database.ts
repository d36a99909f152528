import { createIndexes, missingIndexes } from "#core/repositories/index_setup.ts";
import { openMongo } from "#core/services/mongo.ts";
import { pendingMigrations } from "#tools/migrations/migrate.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/**
 * Creates the indexes that the code needs, and requires migrated documents. A deploy does so before it updates
 * functions: the old code works with an additional index and with migrated documents.
 * @returns the database's name
 * @throws CommandError naming the indexes that are still missing, or the migrations that are pending
 */
export async function prepareDatabase(uri: string): Promise<string> {
  const { client, database } = openMongo(uri, { isCommand: true });
  try {
    await client.connect();
    await createIndexes(database);
    const missing = await missingIndexes(database);
    if (missing.length > 0) {
      const lines = missing.map((index) => `  ${index}`).join("\n");
      throw new CommandError(
        `The database can't create these indexes:\n${lines}\nSee docs/runbooks/database.md.`,
      );
    }
    const pending = await pendingMigrations(database);
    if (pending.length > 0)
      throw new CommandError(
        `Migrations are pending (${pending.join(", ")}): this release can't read every document. ` +
          "Run `npm run nest -- db migrate --apply` for the stage first.",
      );
    return database.databaseName;
  } finally {
    await client.close();
  }
}
