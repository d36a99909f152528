import { createIndexes, missingIndexes } from "#core/repositories/index_setup.ts";
import { openMongo } from "#core/services/mongo.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/**
 * Makes the indexes that the code needs. A deploy does so before it updates functions: the old code works with an
 * additional index.
 * @returns the database's name
 * @throws CommandError naming the indexes that are still missing
 */
export async function prepareDatabase(uri: string): Promise<string> {
  const { client, database } = openMongo(uri, { isCommand: true });
  try {
    await client.connect();
    await createIndexes(database);
    const missing = await missingIndexes(database);
    if (missing.length === 0) return database.databaseName;
    const lines = missing.map((index) => `  ${index}`).join("\n");
    throw new CommandError(
      `The database can't make these indexes:\n${lines}\nSee docs/runbooks/database.md.`,
    );
  } finally {
    await client.close();
  }
}
