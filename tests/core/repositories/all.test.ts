import { execFile } from "node:child_process";
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { temporaryFolder } from "#tests/support/program.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

const REPOSITORY = `import type { Db } from "mongodb";
import type { PersonalData } from "#core/repositories/repository.ts";

/** A document of the example. */
export interface Example {
  _id: string;
  /** The user it belongs to. */
  userId: string;
  createdAt: string;
  secretHash: string;
}

export class ExampleRepository {
  static readonly collectionName = "examples";
  static readonly indexes = [{ key: { userId: 1 as const } }];
  static readonly personalData: PersonalData<Example> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["secretHash"],
  };
  constructor(_database: Db) {}
}
`;

/** Runs in the copy, and prints everything that derives from the registry. */
const PROBE = `import { openCore } from "#core/core.ts";
import { missingIndexes } from "#core/repositories/index_setup.ts";
import { render } from "#tools/docs/pages/data_model.ts";
import { runNest } from "#tools/operator/nest.ts";

const [, , uri, otherUri] = process.argv;
const environment = { STAGE: "local", MONGODB_URI: uri };
const { core, mongo } = openCore(environment);
const { database } = mongo;
const nest = async (on, ...args) => {
  let printed = "";
  const keep = (line) => { printed += line; };
  const status = await runNest(args, { environment: { ...environment, MONGODB_URI: on }, out: keep, err: keep });
  if (status !== 0) throw new Error(args.join(" ") + ": " + printed);
  return printed;
};
const examples = database.collection("examples");
const found = { isInCore: core.examples !== undefined };
found.missingIndexes = (await missingIndexes(database)).filter((index) => index.startsWith("examples"));
await nest(uri, "db", "setup");
found.indexes = Object.keys(await examples.indexInformation());
await database.collection("users").insertOne({ _id: "user_1", createdAt: "2026-01-01T00:00:00.000Z" });
await examples.insertOne({ _id: "example_1", userId: "user_1", createdAt: "2026-01-01T00:00:00.000Z", secretHash: "5ec4e7" });
found.exported = JSON.parse(await nest(uri, "users", "export", "user_1")).examples;
await nest(uri, "db", "dump", "dump");
await nest(otherUri, "db", "load", "dump");
found.loaded = await mongo.client.db(new URL(otherUri).pathname.slice(1)).collection("examples").find().toArray();
await nest(uri, "users", "erase", "user_1", "--yes");
found.afterErasure = await examples.countDocuments();
found.page = (await render()).filter((part) => typeof part === "string" && /^## examples|A document of the example/.test(part));
await mongo.client.close();
console.log(JSON.stringify(found));
`;

describe("a new collection, added as one file and one entry in all.ts", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let found: Record<string, unknown>;

  beforeAll(async () => {
    folder = await temporaryFolder();
    const at = (path: string) => join(folder.path, path);
    for (const part of ["app", "src", "tools", "packages", "package.json"])
      await cp(join(ROOT, part), at(part), { recursive: true });
    await symlink(join(ROOT, "node_modules"), at("node_modules"), "dir");
    await writeFile(at("src/core/repositories/examples.ts"), REPOSITORY);
    const all = at("src/core/repositories/all.ts");
    const source = await readFile(all, "utf8");
    await writeFile(
      all,
      `import { ExampleRepository } from "#core/repositories/examples.ts";\n${source.replace(
        "export const REPOSITORIES = {",
        "export const REPOSITORIES = {\n  examples: ExampleRepository,",
      )}`,
    );
    await writeFile(at("probe.ts"), PROBE);
    const args = ["probe.ts", freshDatabaseUri(), freshDatabaseUri()];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder.path });
    found = JSON.parse(stdout);
  }, 60_000);
  afterAll(() => folder[Symbol.asyncDispose]());

  test("is opened in the core", () => {
    expect(found.isInCore).toBe(true);
  });

  test("is created with its indexes by db setup", () => {
    expect(found.missingIndexes).toEqual(['examples {"userId":1}']);
    expect(found.indexes).toEqual(["_id_", "userId_1"]);
  });

  test("is dumped and loaded", () => {
    expect(found.loaded).toMatchObject([{ _id: "example_1", secretHash: "5ec4e7" }]);
  });

  test("is exported without its withheld fields, and erased", () => {
    expect(found.exported).toEqual([
      { _id: "example_1", userId: "user_1", createdAt: "2026-01-01T00:00:00.000Z" },
    ]);
    expect(found.afterErasure).toBe(0);
  });

  test("appears on the data model page", () => {
    expect(found.page).toEqual(["## examples", "A document of the example."]);
  });
});
