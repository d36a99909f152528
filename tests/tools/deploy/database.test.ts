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

test("does not wait for a migration that only saves space, which the previous release makes pending again", async () => {
  const uri = freshDatabaseUri();
  const { client, database } = openMongo(uri, { isCommand: true });
  await prepareDatabase(uri);
  const expiresAt = "2090-01-01T00:00:00.000Z";
  const purgeAt = new Date("2090-01-31T00:00:00.000Z");
  await database.collection("access_tokens").insertOne({ expiresAt, purgeAt });
  const { printed } = await runCli(["db", "migrate"], { MONGODB_URI: uri });
  expect(printed).toContain("1 documents are pending");
  expect(await prepareDatabase(uri)).toBe(database.databaseName);
  await client.close();
});
