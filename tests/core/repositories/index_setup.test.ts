import type { Db, IndexDescription } from "mongodb";
import { afterEach, beforeEach, expect, test } from "vitest";
import { COLLECTIONS, createIndexes, missingIndexes } from "#core/repositories/index_setup.ts";
import { openMongo } from "#core/services/mongo.ts";
import { openFreshDatabase } from "#tests/support/database.ts";
import { freePort } from "#tools/machine/child_process.ts";

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let database: Db;
beforeEach(async () => {
  opened = await openFreshDatabase();
  ({ database } = opened);
});
afterEach(() => opened[Symbol.asyncDispose]());

/** Replaces our index on these keys by an index with other options. */
async function replaceIndex(collection: string, key: Record<string, 1>, options: Partial<IndexDescription>) {
  await database.collection(collection).dropIndex(
    Object.keys(key)
      .map((field) => `${field}_1`)
      .join("_"),
  );
  await database.collection(collection).createIndexes([{ key, ...options }]);
}

test("creates every index when several setups race", async () => {
  await Promise.all(Array.from({ length: 4 }, () => createIndexes(database)));
  expect(await missingIndexes(database)).toEqual([]);
});

test("reports every index as missing in an empty database", async () => {
  const all = Object.values(COLLECTIONS).flat();
  expect(await missingIndexes(database)).toHaveLength(all.length);
});

test("reports an index as missing when its partial filter or its TTL differs", async () => {
  await createIndexes(database);
  const address = { identifierType: 1, identifierValue: 1 } as const;
  await replaceIndex("identifiers", address, { unique: true });
  await replaceIndex("sessions", { purgeAt: 1 }, { expireAfterSeconds: 86_400 });
  expect(await missingIndexes(database)).toEqual([
    'identifiers {"identifierType":1,"identifierValue":1}',
    'sessions {"purgeAt":1}',
  ]);
});

test("throws when the database can't be reached, instead of reporting missing indexes", async () => {
  const lost = openMongo(`mongodb://127.0.0.1:${await freePort()}/nest?directConnection=true`);
  await expect(missingIndexes(lost.database)).rejects.toThrow(/ECONNREFUSED|closed/);
  await lost.client.close();
});

test("limits a query of a call to 2 s, and a query of a command not at all", async () => {
  const uri = `mongodb://127.0.0.1:${await freePort()}/nest?directConnection=true&socketTimeoutMS=500`;
  const opened = [openMongo(uri), openMongo(uri, { isCommand: true })];
  expect(opened.map(({ client }) => client.options.socketTimeoutMS)).toEqual([2_000, 0]);
  for (const { client } of opened) await client.close();
});
