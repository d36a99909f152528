import type { Document } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { openFreshDatabase } from "#tests/support/database.ts";
import { countTrips } from "#tests/support/trips.ts";

interface Bird {
  _id: string;
  nest?: string;
}

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let birds: CombinedReads<Bird>;
let nests: CombinedReads<Document & { _id: string }>;
beforeAll(async () => {
  opened = await openFreshDatabase();
  const { database } = opened;
  await database.collection<Bird>("birds").insertMany([
    { _id: "a", nest: "1" },
    { _id: "b", nest: "1" },
    { _id: "c", nest: "2" },
  ]);
  await database.collection<Bird>("nests").insertOne({ _id: "1" });
  birds = new CombinedReads(database, "birds");
  nests = new CombinedReads(database, "nests");
});
afterAll(() => opened[Symbol.asyncDispose]());

const commandsOf = async (work: () => Promise<unknown>) =>
  (await countTrips(opened.database.client, work)).commands;

test("sends concurrent reads of several collections as one command and returns to each read its own documents", async () => {
  let found: unknown[] = [];
  const commands = await commandsOf(async () => {
    const later = Promise.resolve().then(() => birds.findOne({ _id: "c" }));
    found = await Promise.all([
      birds.findAll({ nest: "1" }),
      nests.findOne({ _id: "1" }),
      nests.findOne({ _id: "none" }),
      later,
    ]);
  });
  expect(commands).toEqual(["aggregate"]);
  const [ofNest, ...others] = found as [Bird[], ...unknown[]];
  expect(ofNest.map(({ _id }) => _id).sort()).toEqual(["a", "b"]);
  expect(others).toEqual([{ _id: "1" }, null, { _id: "c", nest: "2" }]);
});

test("sends a single read as a plain find", async () => {
  expect(await commandsOf(() => birds.findOne({ _id: "a" }))).toEqual(["find"]);
});

test("caches no read: a repeated read finds a document that was inserted after the first read", async () => {
  expect(await nests.findOne({ _id: "new" })).toBeNull();
  await opened.database.collection<Bird>("nests").insertOne({ _id: "new" });
  expect(await nests.findOne({ _id: "new" })).toEqual({ _id: "new" });
});

test("returns all documents of a read that needs more than one batch of the cursor", async () => {
  const many = Array.from({ length: 250 }, (_, index) => ({ _id: `m${index}`, nest: "many" }));
  await opened.database.collection<Bird>("birds").insertMany(many);
  const [found, other] = await Promise.all([birds.findAll({ nest: "many" }), nests.findOne({ _id: "1" })]);
  expect([found.length, other]).toEqual([250, { _id: "1" }]);
});

test("sends 30 concurrent reads as three commands and returns all documents", async () => {
  let found: unknown[] = [];
  const commands = await commandsOf(async () => {
    found = await Promise.all(Array.from({ length: 30 }, (_, index) => birds.findOne({ _id: `m${index}` })));
  });
  expect(commands).toEqual(["aggregate", "aggregate", "aggregate"]);
  expect(found).toEqual(Array.from({ length: 30 }, (_, index) => ({ _id: `m${index}`, nest: "many" })));
});

test("rejects every read of a command that fails, and later reads succeed", async () => {
  const results = await Promise.allSettled([
    birds.findOne({ $nonsense: 1 } as never),
    nests.findOne({ _id: "1" }),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await nests.findOne({ _id: "1" })).toEqual({ _id: "1" });
});
