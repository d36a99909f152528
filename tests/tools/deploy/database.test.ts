import { expect, test } from "vitest";
import { openMongo } from "#core/services/mongo.ts";
import { runCli } from "#tests/support/cli.ts";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { DUMP } from "#tests/tools/migrations/previous_release.ts";
import { prepareDatabase } from "#tools/deploy/database.ts";
import { defaultsOf } from "#tools/migrations/complete_subscriptions.ts";

const OURS = ["prod_beak"];

test("refuses a deployment that would end the access of people who pay for a product of no plan", async () => {
  const uri = freshDatabaseUri();
  const { client, database } = openMongo(uri, { isCommand: true });
  await prepareDatabase(uri, OURS);
  const subscription = (number: number, product: string, change: object = {}) => ({
    ...defaultsOf({ createdAt: "2026-01-01T00:00:00.000Z" }),
    ...{ _id: `sub_${number}`, stpSubscriptionId: `sub_${number}`, version: 1 },
    ...{ status: "active", stpProductId: product, ...change },
  });
  const documents = [
    subscription(1, "prod_beak"),
    subscription(2, "prod_old"),
    subscription(3, "prod_old", { status: "past_due" }),
    subscription(4, "prod_ended", { status: "canceled" }),
    subscription(5, "prod_foreign", { isOtherProduct: true }),
    subscription(6, "prod_rejected", { rejectedAt: "2026-01-01T00:00:00.000Z" }),
  ];
  await database.collection<{ _id: string }>("subscriptions").insertMany(documents);
  const refused = await prepareDatabase(uri, OURS).catch(({ message }: Error) => message.split("\n"));
  expect(refused).toEqual([
    "These products have subscriptions that have not ended, but no plan of the app file has them. Their users would lose access:",
    "  prod_old: 2",
    expect.stringContaining("isOffered: false"),
  ]);
  expect(await prepareDatabase(uri, [...OURS, "prod_old"])).toBe(database.databaseName);
  await client.close();
});

test("refuses a deployment while migrations are pending, and allows it after db migrate --apply", async () => {
  const uri = freshDatabaseUri();
  const { client, database } = openMongo(uri, { isCommand: true });
  const name = database.databaseName;
  await client.close();
  expect(await prepareDatabase(uri, OURS)).toBe(name);
  await runCli(["db", "load", DUMP], { MONGODB_URI: uri });
  await expect(prepareDatabase(uri, OURS)).rejects.toThrow(
    /keep_imported_subscriptions, complete_subscriptions, record_used_trials/,
  );
  await runCli(["db", "migrate", "--apply"], { MONGODB_URI: uri });
  expect(await prepareDatabase(uri, OURS)).toBe(name);
});

test("does not wait for a migration that only saves space, which the previous release makes pending again", async () => {
  const uri = freshDatabaseUri();
  const { client, database } = openMongo(uri, { isCommand: true });
  await prepareDatabase(uri, OURS);
  const expiresAt = "2090-01-01T00:00:00.000Z";
  const purgeAt = new Date("2090-01-31T00:00:00.000Z");
  await database.collection("access_tokens").insertOne({ expiresAt, purgeAt });
  const { printed } = await runCli(["db", "migrate"], { MONGODB_URI: uri });
  expect(printed).toContain("1 documents are pending");
  expect(await prepareDatabase(uri, OURS)).toBe(database.databaseName);
  await client.close();
});
