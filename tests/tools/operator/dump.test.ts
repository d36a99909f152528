import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { COLLECTIONS, missingIndexes } from "#core/repositories/index_setup.ts";
import { openMongo } from "#core/services/mongo.ts";
import { runCli } from "#tests/support/cli.ts";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { startNest, type TestNest, type Tokens, V1, V2 } from "#tests/support/nest.ts";
import { temporaryFolder } from "#tests/support/program.ts";
import { DUMPED } from "#tools/operator/dump/format.ts";

let nest: TestNest;
let ada: Tokens;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let at: string;
beforeEach(async () => {
  nest = await startNest();
  folder = await temporaryFolder();
  at = join(folder.path, "dump");
  ada = await nest.signIn("ada@example.com");
  const bearer = { bearer: ada.access_token };
  await nest.call(`${V1}set_marketing_consent`, { user_id: ada.user_id, level: "general" }, bearer);
  nest.stripe.createSubscription({ email: "ada@example.com" });
  await nest.deliverEvents();
});
afterEach(async () => {
  await nest.stop();
  await folder[Symbol.asyncDispose]();
});

const dump = () => runCli(["db", "dump", at], { MONGODB_URI: nest.mongoUri });
const load = (uri: string) => runCli(["db", "load", at], { MONGODB_URI: uri });

/** Runs work on a new, empty database. */
async function onNew<Result>(
  work: (uri: string, database: ReturnType<typeof openMongo>["database"]) => Promise<Result>,
) {
  const uri = freshDatabaseUri();
  const { client, database } = openMongo(uri, { isCommand: true });
  try {
    return await work(uri, database);
  } finally {
    await client.close();
  }
}

test("dumps every collection except the counters of rate limits and the decisions about administrators", () => {
  expect([...DUMPED, "admin_guards", "limit-windows"].sort()).toEqual(Object.keys(COLLECTIONS).sort());
});

test("dumps and loads a document whose text holds Unicode line separators", async () => {
  const state = "one\u2028two\u2029three\u0085four\rfive";
  await nest.requestLink({ state });
  expect(await dump()).toMatchObject({ status: 0 });
  await onNew(async (uri, database) => {
    expect(await load(uri)).toMatchObject({ status: 0 });
    const states = await database.collection("authorizations").distinct("state");
    expect(states).toContain(state);
  });
});

test("load restores every document and index of a dump, and sessions go on", async () => {
  expect(await dump()).toMatchObject({ status: 0, printed: expect.stringContaining("Dumped ") });
  await onNew(async (uri, database) => {
    expect(await load(uri)).toMatchObject({ status: 0 });
    expect(await missingIndexes(database)).toEqual([]);
    for (const name of DUMPED) {
      const sorted = { sort: { _id: 1 } } as const;
      const ours = await nest.gateway.mongo.database.collection(name).find({}, sorted).toArray();
      expect(await database.collection(name).find({}, sorted).toArray(), name).toEqual(ours);
    }
    expect((await database.collection("sessions").findOne())?.purgeAt).toBeInstanceOf(Date);
    const restored = await startNest({ beside: nest, environment: { MONGODB_URI: uri } });
    const own = { user_id: ada.user_id };
    const seen = await restored.call(`${V2}get_user`, own, { bearer: ada.access_token });
    expect(seen.status).toBe(200);
    expect((await restored.refresh(ada.refresh_token)).status).toBe(200);
    await restored.stop();
  });
});

test("only its owner can read a dump, and it never overwrites another dump", async () => {
  await dump();
  expect((await stat(at)).mode & 0o777).toBe(0o700);
  for (const file of await readdir(at)) expect((await stat(join(at, file))).mode & 0o777, file).toBe(0o600);
  expect(await dump()).toMatchObject({ status: 1, printed: expect.stringContaining("exists already") });
});

test("load refuses an incomplete or changed dump and writes nothing", async () => {
  await dump();
  const users = join(at, "users.ndjson.gz");
  const manifest = await readFile(join(at, "manifest.json"), "utf8");
  const whole = await readFile(users);
  const altered = gunzipSync(whole).toString().replace(ada.user_id, "user_mallory");
  const spoil: [() => Promise<void>, RegExp][] = [
    [() => writeFile(users, gzipSync(altered)), /users\.ndjson\.gz was changed after the dump/],
    [() => writeFile(users, whole.subarray(0, whole.length - 4)), /users\.ndjson\.gz can't be read/],
    [() => rm(users), /users\.ndjson\.gz can't be read/],
    [() => writeFile(join(at, "manifest.json"), "{}"), /manifest\.json is not the manifest of a dump/],
    [() => rm(join(at, "manifest.json")), /so it is not a complete dump/],
  ];
  await onNew(async (uri, database) => {
    for (const [way, words] of spoil) {
      await writeFile(users, whole);
      await writeFile(join(at, "manifest.json"), manifest);
      await way();
      expect(await load(uri)).toEqual({ status: 1, printed: expect.stringMatching(words) });
      expect(await database.listCollections().toArray()).toEqual([]);
    }
  });
});

test("load refuses a database that holds documents and leaves it unchanged", async () => {
  await dump();
  expect(await load(nest.mongoUri)).toEqual({ status: 1, printed: expect.stringContaining("is not empty") });
});
