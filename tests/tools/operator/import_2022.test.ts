import type { Db, Document } from "mongodb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { openMongo } from "#core/services/mongo.ts";
import { expectOneAccountEach } from "#tests/support/accounts.ts";
import { runCli } from "#tests/support/cli.ts";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";

const AT = "2022-03-04T05:06:07.890Z";
const LATER = "2022-09-01T00:00:00.000Z";

/** Documents of the service of 2022: two users, one of them with a subscription. */
const SOURCE: Record<string, Document[]> = {
  users: [
    { _id: "user_ada", createdAt: AT },
    { _id: "user_bob", createdAt: LATER },
  ],
  identifiers: [address("ada", "Ada@Example.com", AT), address("bob", "bob@example.com", LATER)],
  "provider-mappings": [
    {
      ...{ _id: "provmap_ada", userId: "user_ada", providerType: "stripe", providerValue: "cus_ada" },
      ...{ createdAt: AT, updatedAt: AT, removedAt: null },
    },
  ],
  "marketing-consents": [
    { _id: "mktngconsent_ada", userId: "user_ada", level: "general", createdAt: AT, updatedAt: LATER },
  ],
  subscriptions: [
    {
      ...{ _id: "sub_ada", userId: "user_ada", stpProductId: "prod_beak", stpSubscriptionId: "sub_S" },
      ...{ stpCustomerId: "cus_ada", status: "active", startsAt: AT, endsAt: "2999-01-01T00:00:00.000Z" },
      ...{ cancelAt: null, cancelType: null, cancelledAt: null, createdAt: AT, updatedAt: null },
    },
  ],
  trials: [
    {
      ...{ _id: "trial_bob", userId: "user_bob", stpProductId: "prod_beak", stpSubscriptionId: "sub_T" },
      ...{ stpCustomerId: "cus_bob", startsAt: AT, endsAt: LATER, createdAt: AT, updatedAt: null },
      device: { beakId: "bobs-mac", fingerprint: "bobs-print" },
    },
  ],
  // It stored secrets in clear text.
  "refresh-tokens": [{ _id: "reftok_ada", userId: "user_ada", key: "5ec4e7", revokedAt: null }],
  "access-tokens": [{ _id: "acstok_ada", userId: "user_ada", revokedAt: null }],
  authorizations: [{ _id: "authzcode_ada", key: "5ec4e7", identifierValue: "Ada@Example.com" }],
};

function address(of: string, identifierValue: string, createdAt: string) {
  const times = { createdAt, updatedAt: null, verifiedAt: createdAt, removedAt: null };
  return { _id: `userident_${of}`, userId: `user_${of}`, identifierType: "email", identifierValue, ...times };
}

let nest: TestNest;
let source: Db;
let environment: Record<string, string>;
beforeEach(async () => {
  nest = await startNest();
  environment = { MONGODB_URI: nest.mongoUri, FROM_MONGODB_URI: freshDatabaseUri() };
  source = openMongo(environment.FROM_MONGODB_URI ?? "", { isCommand: true }).database;
  for (const [name, documents] of Object.entries(SOURCE)) await insert(name, ...documents);
});
afterEach(async () => {
  await source.client.close();
  await nest.stop();
});

const insert = (name: string, ...documents: Document[]) =>
  source.collection<Document>(name).insertMany(documents.map((document) => ({ ...document })));
const change = (name: string, _id: string, fields: Document) =>
  source.collection<{ _id: string }>(name).updateOne({ _id }, { $set: fields });
const run = async (...args: string[]) => {
  const { status, printed } = await runCli(["db", "import", "--json", ...args], environment);
  return { status, collections: JSON.parse(printed).collections as Document[] };
};
/** The counts of one collection. */
const of = (collections: Document[], name: string) => {
  const {
    collection: _name,
    leftOut,
    ...counts
  } = collections.find(({ collection }) => collection === name) ?? {};
  return { ...counts, leftOut };
};
const counts = (read: number, what: Document) => ({
  ...{ read, inserted: 0, replaced: 0, unchanged: 0, kept: 0, leftOut: [] },
  ...what,
});

describe("db import", () => {
  test("counts the documents and writes nothing without --apply", async () => {
    const { status, collections } = await run();
    expect(status).toBe(0);
    expect(of(collections, "identifiers")).toEqual(counts(2, { inserted: 2 }));
    expect(await nest.collection("users").countDocuments()).toBe(0);
  });

  test("keeps a user's id, subscription, consent and used trial, and clears the address's verification", async () => {
    expect((await run("--apply")).status).toBe(0);
    const ada = await nest.signIn("ada@example.com");
    expect(ada.user_id).toBe("user_ada");
    const as = { bearer: ada.access_token };
    const own = { user_id: ada.user_id };
    expect((await nest.call(`${V2}get_subscription_status`, own, as)).body.status).toBe("active");
    expect((await nest.call(`${V2}get_marketing_consent`, own, as)).body).toEqual({ level: "general" });
    const [identifier] = (await nest.call(`${V2}get_user`, own, as)).body.identifiers;
    expect(identifier.identifier_value).toBe("ada@example.com");
    expect(identifier.verified_at > LATER).toBe(true);
    const device = { platform: "mac", beak_id: "bobs-mac", fingerprint: "new" };
    const trial = linkRequest({ identifier_value: "eve@example.com", device });
    expect((await nest.call(`${V2}create_trial_and_magic_link`, trial)).body.code).toBe("trial_already_used");
  });

  test("does not import tokens and links, whose secrets were stored in clear text", async () => {
    await run("--apply");
    for (const name of ["refresh-tokens", "access_tokens", "access-tokens", "authorizations"])
      expect(await nest.collection(name).countDocuments(), name).toBe(0);
  });

  test("a second run imports new and changed documents and keeps documents that Nest changed", async () => {
    await run("--apply");
    await nest.signIn("ada@example.com");
    await nest
      .collection("subscriptions")
      .updateOne({ stpSubscriptionId: "sub_S" }, { $set: { version: 2 } });
    await insert("users", { _id: "user_eve", createdAt: LATER });
    await change("marketing-consents", "mktngconsent_ada", { level: "none" });
    await change("subscriptions", "sub_ada", { status: "canceled" });
    const { status, collections } = await run("--apply");
    expect(status).toBe(0);
    expect(of(collections, "users")).toEqual(counts(3, { unchanged: 2, inserted: 1 }));
    expect(await expectOneAccountEach(nest.gateway.mongo.database)).toBe(3);
    expect(of(collections, "identifiers")).toEqual(counts(2, { unchanged: 1, kept: 1 }));
    expect(of(collections, "marketing-consent")).toEqual(counts(1, { replaced: 1 }));
    expect(of(collections, "subscriptions")).toEqual(counts(1, { kept: 1 }));
    expect(await nest.collection("subscriptions").findOne({})).toMatchObject({ status: "active" });
    expect(await nest.collection("marketing-consent").findOne({})).toMatchObject({
      level: "none",
      history: [{ level: "none" }],
    });
  });

  test("a second run does not restore the user of a trial after an erasure", async () => {
    await run("--apply");
    expect(await runCli(["users", "erase", "user_bob", "--yes"], environment)).toMatchObject({ status: 0 });
    await run("--apply");
    const trial = await nest.collection("trials").findOne({});
    expect(trial).toMatchObject({ stpCustomerId: null, device: { beakId: "bobs-mac" } });
    expect(JSON.stringify(trial)).not.toContain("user_bob");
  });

  test.each([
    ["an address that can't receive mail", "identifiers", address("bob", "bob@", AT), "can't receive mail"],
    [
      "an address that an older identifier has",
      "identifiers",
      address("bob", " ADA@example.com", LATER),
      "userident_ada has the same unique key",
    ],
    [
      "an identifier without its user",
      "identifiers",
      address("none", "none@example.com", AT),
      "its user was not imported",
    ],
    [
      "a document without required fields",
      "trials",
      { _id: "trial_x", userId: "user_bob" },
      "missing or invalid: createdAt",
    ],
  ])(
    "leaves out %s, reports its id without the address, and imports the rest",
    async (_what, name, document, reason) => {
      await insert(name, { ...document, _id: "left_out" });
      for (const args of [[], ["--apply"]]) {
        const { status, collections } = await run(...args);
        const { leftOut } = of(collections, name);
        expect({ status, leftOut }).toEqual({
          status: 1,
          leftOut: [{ id: "left_out", reason: expect.stringContaining(reason) }],
        });
        expect(JSON.stringify(leftOut)).not.toContain("@");
      }
      expect(await nest.collection("users").countDocuments()).toBe(2);
    },
  );

  test("leaves out an address that Nest gave to another user", async () => {
    const { user_id } = await nest.signIn("ada@example.com");
    const { status, collections } = await run("--apply");
    expect({ status, leftOut: of(collections, "identifiers").leftOut }).toEqual({
      status: 1,
      leftOut: [{ id: "userident_ada", reason: expect.stringContaining("has the same") }],
    });
    expect((await nest.signIn("ada@example.com")).user_id).toBe(user_id);
  });
});

test("db import refuses to start without a source, without indexes, and when both URIs name one database", async () => {
  const refusals: [Record<string, string>, RegExp][] = [
    [{ ...environment, FROM_MONGODB_URI: "" }, /^FROM_MONGODB_URI is not set/],
    [{ ...environment, FROM_MONGODB_URI: nest.mongoUri }, /name the same database/],
    [{ ...environment, MONGODB_URI: freshDatabaseUri() }, /run `db setup` first/],
    [
      { ...environment, FROM_MONGODB_URI: "mongodb://127.0.0.1:9/nest" },
      /^The database of FROM_MONGODB_URI can't be reached/,
    ],
  ];
  await createIndexes(nest.gateway.mongo.database);
  for (const [given, words] of refusals) {
    const { status, printed } = await runCli(["db", "import", "--apply"], given);
    expect({ status, printed }).toEqual({ status: 1, printed: expect.stringMatching(words) });
  }
});
