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

/** Puts another index in the place of ours with these keys. */
async function replaceIndex(collection: string, key: Record<string, 1>, options: Partial<IndexDescription>) {
  await database.collection(collection).dropIndex(
    Object.keys(key)
      .map((field) => `${field}_1`)
      .join("_"),
  );
  await database.collection(collection).createIndexes([{ key, ...options }]);
}

test("two setups at once both end well, and nothing is missing", async () => {
  await Promise.all(Array.from({ length: 4 }, () => createIndexes(database)));
  expect(await missingIndexes(database)).toEqual([]);
});

test("in an empty database every index is missing, and it is no error", async () => {
  const all = Object.values(COLLECTIONS).flat();
  expect(await missingIndexes(database)).toHaveLength(all.length);
});

test("an index that covers other documents, or ends them later, is not ours", async () => {
  await createIndexes(database);
  const address = { identifierType: 1, identifierValue: 1 } as const;
  await replaceIndex("identifiers", address, { unique: true });
  await replaceIndex("sessions", { purgeAt: 1 }, { expireAfterSeconds: 86_400 });
  expect(await missingIndexes(database)).toEqual([
    'identifiers {"identifierType":1,"identifierValue":1}',
    'sessions {"purgeAt":1}',
  ]);
});

test("a database that can't be asked is an error, not one without indexes", async () => {
  const lost = openMongo(`mongodb://127.0.0.1:${await freePort()}/nest?directConnection=true`);
  await expect(missingIndexes(lost.database)).rejects.toThrow(/ECONNREFUSED|closed/);
  await lost.client.close();
});

test("a call's database answers within 2 s or not at all; a command's may build indexes for as long as it takes", async () => {
  const uri = `mongodb://127.0.0.1:${await freePort()}/nest?directConnection=true&socketTimeoutMS=500`;
  const opened = [openMongo(uri), openMongo(uri, { isCommand: true })];
  expect(opened.map(({ client }) => client.options.socketTimeoutMS)).toEqual([2_000, 0]);
  for (const { client } of opened) await client.close();
});
