/** `npm run db:setup` makes every index the code rests on; `npm run db:check` fails if one is missing. Needs MONGODB_URI. */
import { createIndexes, missingIndexes } from "#core/repositories/index_setup.ts";
import { onDatabase } from "#local/database/on_database.ts";

await onDatabase(async (database) => {
  if (process.argv[2] === "setup") await createIndexes(database);
  const missing = await missingIndexes(database);
  for (const index of missing) console.error(`missing: ${index}`);
  if (missing.length > 0) process.exitCode = 1;
  else console.log(`Every index is there in ${database.databaseName}.`);
});
