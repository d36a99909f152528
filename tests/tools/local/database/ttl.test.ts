import { setTimeout as wait } from "node:timers/promises";
import { MongoClient } from "mongodb";
import { expect, inject, test } from "vitest";
import { EXPIRING, NOT_YET, OVER } from "#tests/support/expiring.ts";

test("the database engine removes a document when its TTL has passed, and not before", async () => {
  const client = await MongoClient.connect(inject("expiringUri"));
  const expiring = client.db().collection<{ _id: string }>(EXPIRING);
  const end = Date.now() + 90_000;
  while ((await expiring.countDocuments({ _id: OVER })) > 0) {
    expect(Date.now(), "the TTL index never fired").toBeLessThan(end);
    await wait(500);
  }
  expect(await expiring.countDocuments({ _id: NOT_YET })).toBe(1);
  await client.close();
}, 100_000);
