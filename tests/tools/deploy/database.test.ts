import { expect, test } from "vitest";
import { openMongo } from "#core/services/mongo.ts";
import { runCli } from "#tests/support/cli.ts";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { DUMP } from "#tests/tools/migrations/previous_release.ts";
import { prepareDatabase } from "#tools/deploy/database.ts";

test("refuses a deployment while migrations are pending, and allows it after db migrate --apply", async () => {
  const uri = freshDatabaseUri();
  const { client, database } = openMongo(uri, { isCommand: true });
  const name = database.databaseName;
  await client.close();
  expect(await prepareDatabase(uri)).toBe(name);
  await runCli(["db", "load", DUMP], { MONGODB_URI: uri });
  await expect(prepareDatabase(uri)).rejects.toThrow(
    /keep_imported_subscriptions, complete_subscriptions, record_used_trials/,
  );
  await runCli(["db", "migrate", "--apply"], { MONGODB_URI: uri });
  expect(await prepareDatabase(uri)).toBe(name);
});
