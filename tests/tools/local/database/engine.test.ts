import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openFreshDatabase } from "#tests/support/database.ts";
import { suiteOptions } from "#tests/support/suite_options.ts";

const ROUNDS = suiteOptions.isWhole ? 100 : 25;
const CALLERS = 50;

interface Thing {
  _id: string;
  usedAt?: string | null;
  name?: string | null;
  removedAt?: string | null;
  count?: number;
  createdAt?: string;
}

describe("the database engine", () => {
  let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
  const collection = (name: string) => opened.database.collection<Thing>(name);

  beforeAll(async () => {
    opened = await openFreshDatabase();
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  test(`lets exactly one of 50 simultaneous conditional findOneAndUpdate calls win, in ${ROUNDS} rounds`, async () => {
    const things = collection("codes");
    for (let round = 0; round < ROUNDS; round++) {
      const _id = `code-${round}`;
      await things.insertOne({ _id, usedAt: null });
      const winners = await Promise.all(
        Array.from({ length: CALLERS }, (_, caller) =>
          things.findOneAndUpdate(
            { _id, usedAt: null },
            { $set: { usedAt: `caller-${caller}` } },
            { returnDocument: "after" },
          ),
        ),
      );
      expect(winners.filter((winner) => winner !== null)).toHaveLength(1);
    }
  }, 180_000);

  test(`accepts exactly one of 50 inserts that race on one unique key and rejects the others with 11000, in ${ROUNDS} rounds`, async () => {
    const things = collection("names");
    await things.createIndex({ name: 1 }, { unique: true });
    for (let round = 0; round < ROUNDS; round++) {
      const results = await Promise.allSettled(
        Array.from({ length: CALLERS }, (_, caller) =>
          things.insertOne({ _id: `${round}-${caller}`, name: `name-${round}` }),
        ),
      );
      const refusals = results.flatMap((result) =>
        result.status === "rejected" ? [result.reason.code] : [],
      );
      expect(refusals).toEqual(Array(CALLERS - 1).fill(11000));
      expect(await things.countDocuments({ name: `name-${round}` })).toBe(1);
    }
  }, 180_000);

  test("enforces a partial unique index on documents where a field is null", async () => {
    const things = collection("partial");
    await things.createIndex({ name: 1 }, { unique: true, partialFilterExpression: { removedAt: null } });
    await things.insertOne({ _id: "removed", name: "ada", removedAt: "2026-01-01T00:00:00.000Z" });
    await things.insertOne({ _id: "active", name: "ada", removedAt: null });
    await expect(things.insertOne({ _id: "again", name: "ada", removedAt: null })).rejects.toMatchObject({
      code: 11000,
    });
    await things.insertOne({ _id: "removed too", name: "ada", removedAt: "2026-01-02T00:00:00.000Z" });
  });

  test("upserts with $setOnInsert and $inc, counting every one of 50 simultaneous callers", async () => {
    const things = collection("counters");
    const bump = () =>
      things.findOneAndUpdate(
        { _id: "hits" },
        { $inc: { count: 1 }, $setOnInsert: { createdAt: "first" } },
        { upsert: true, returnDocument: "after" },
      );
    await bump();
    await Promise.all(Array.from({ length: CALLERS - 1 }, bump));
    expect(await things.findOne({ _id: "hits" })).toEqual({
      _id: "hits",
      count: CALLERS,
      createdAt: "first",
    });
  });

  test("rejects an upsert with 11000 when its condition does not match the document with its _id", async () => {
    const things = collection("conditions");
    await things.insertOne({ _id: "user", name: "kept" });
    const take = () =>
      things.findOneAndUpdate(
        { _id: "user", name: { $in: [null, "other"] } },
        { $set: { name: "other" } },
        { upsert: true },
      );
    await expect(take()).rejects.toMatchObject({ code: 11000 });
    await things.updateOne({ _id: "user" }, { $unset: { name: "" } });
    expect(await take()).toMatchObject({ _id: "user" });
    const results = await Promise.allSettled(
      Array.from({ length: CALLERS }, (_, n) =>
        things.findOneAndUpdate(
          { _id: "fresh", name: { $in: [null, `caller-${n}`] } },
          { $set: { name: `caller-${n}` } },
          { upsert: true, returnDocument: "after" },
        ),
      ),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) if (result.status === "rejected") expect(result.reason.code).toBe(11000);
  });

  test("creates one document for 50 simultaneous upserts on a unique key other than _id, in 20 rounds", async () => {
    const things = collection("upserts");
    await things.createIndex({ name: 1 }, { unique: true });
    for (let round = 0; round < 20; round++) {
      const name = `name-${round}`;
      const upsert = () => things.findOneAndUpdate({ name }, { $inc: { count: 1 } }, { upsert: true });
      const results = await Promise.allSettled(Array.from({ length: CALLERS }, upsert));
      const refused = results.filter((result) => result.status === "rejected");
      // mongod may reject some with 11000, which callers retry. No other error may appear.
      expect(
        refused
          .map(({ reason }) => `${reason.code} ${reason.message}`)
          .filter((error) => !error.startsWith("11000")),
      ).toEqual([]);
      const stored = await things.find({ name }).toArray();
      expect(stored.map(({ count }) => count)).toEqual([CALLERS - refused.length]);
    }
  });

  test("acknowledges writes by majority and names the index in explain", async () => {
    const things = collection("explained");
    await things.createIndex({ name: 1 });
    await things.insertMany(
      Array.from({ length: 500 }, (_, index) => ({ _id: `thing-${index}`, name: `name-${index}` })),
    );
    const written = await things.updateOne(
      { _id: "thing-1" },
      { $set: { count: 1 } },
      { writeConcern: { w: "majority" } },
    );
    expect(written).toMatchObject({ acknowledged: true, modifiedCount: 1 });
    const plan = JSON.stringify(await things.find({ name: "name-7" }).explain());
    expect(plan).toContain("name_1");
  });
});
