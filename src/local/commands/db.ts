/** `npm run db:setup` makes every index the code rests on; `npm run db:check` fails if one is missing. Needs MONGODB_URI. */
import { mongoVariables, openMongo } from "#core/clients/mongo.ts";
import { readConfig } from "#core/config.ts";
import { createIndexes, missingIndexes } from "#core/repositories/index_setup.ts";

try {
  const { client, database } = openMongo(readConfig(mongoVariables, process.env).MONGODB_URI);
  try {
    if (process.argv[2] === "setup") await createIndexes(database);
    const missing = await missingIndexes(database);
    for (const index of missing) console.error(`missing: ${index}`);
    if (missing.length > 0) process.exitCode = 1;
    else console.log(`Every index is there in ${database.databaseName}.`);
  } finally {
    await client.close();
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
