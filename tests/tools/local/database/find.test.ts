import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { temporaryFolder } from "#tests/support/program.ts";
import { waitUntilUnused } from "#tools/local/database/data_folder.ts";
import { requireSupported } from "#tools/local/database/find_database.ts";
import { startDownloadedMongod, startInstalledMongod } from "#tools/local/database/mongod.ts";
import { withDatabase } from "#tools/local/database/uri.ts";
import { freePort, onPath } from "#tools/machine/child_process.ts";

describe("a mongod that does not start or can't be downloaded", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let printed: string[];
  const inFolder = (name: string) => join(folder.path, name);
  const options = { dataDirectory: null, say: (line: string) => void printed.push(line) };
  const cached = () => readdir(inFolder("cache/mongod"));

  beforeEach(async () => {
    folder = await temporaryFolder();
    printed = [];
    await mkdir(inFolder("tmp"));
    vi.stubEnv("TMPDIR", inFolder("tmp"));
    vi.stubEnv("NEST_CACHE_DIR", inFolder("cache"));
    const program =
      '[ "$1" = --version ] && echo "db version v8.0.15" && exit 0\necho "no such instruction"; exit 4';
    await writeFile(inFolder("mongod"), `#!/bin/sh\n${program}\n`);
    await chmod(inFolder("mongod"), 0o755);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await folder[Symbol.asyncDispose]();
  });

  test("on PATH: reports why it does not start, and deletes its temporary data", async () => {
    vi.stubEnv("PATH", `${folder.path}:${process.env.PATH}`);
    await expect(startInstalledMongod(options)).rejects.toThrow("no such instruction");
    expect(await readdir(inFolder("tmp"))).toEqual([]);
  });

  test("downloaded: reports why it does not start, and tries again at the next start", async () => {
    vi.stubEnv("MONGOMS_SYSTEM_BINARY", inFolder("mongod"));
    for (let attempt = 0; attempt < 2; attempt++) {
      printed.length = 0;
      expect(await startDownloadedMongod(options, true)).toBeNull();
      expect(printed.at(-1)).toMatch(
        /^MongoDB was downloaded but does not start \(.*no such instruction\)\.$/,
      );
    }
    expect(await cached()).not.toContain("download-of-8.0.15-failed");
    expect(await readdir(inFolder("tmp"))).toEqual([]);
  });

  test("does not retry a failed download for a while, unless there is no other way to get a database", async () => {
    vi.stubEnv("MONGOMS_DOWNLOAD_MIRROR", `http://127.0.0.1:${await freePort()}`);
    const tries = async (hasOtherWay: boolean) => {
      printed.length = 0;
      expect(await startDownloadedMongod(options, hasOtherWay)).toBeNull();
      return printed.some((line) => /^MongoDB could not be downloaded/.test(line));
    };
    expect(await tries(true)).toBe(true);
    expect(await cached()).toContain("download-of-8.0.15-failed");
    expect(await tries(true)).toBe(false);
    expect(await tries(false)).toBe(true);
  });
});

test("rejects a server older than 6.0 with one sentence", () => {
  for (const version of ["6.0.0", "8.0.15", "10.1.0-rc0"]) requireSupported(version);
  expect(() => requireSupported("5.0.31")).toThrow("MONGODB_URI points at MongoDB 5.0.31. Use 6.0 or later.");
});

describe("withDatabase", () => {
  /** The database that the driver opens, and the one that it authenticates against. */
  const read = (uri: string) => {
    const { credentials, dbName } = new MongoClient(uri).options;
    return [dbName, credentials?.source];
  };

  test.each([
    ["mongodb://a:b@h", "nest", "admin"],
    ["mongodb://a:b@h/", "nest", "admin"],
    ["mongodb://a:b@h/own", "own", "own"],
    ["mongodb://a:b@h/own?authSource=users", "own", "users"],
    ["mongodb://h1,h2/own?replicaSet=r", "own", undefined],
    ["mongodb://a:b@h/o%20wn?authMechanism=SCRAM-SHA-256", "o wn", "o wn"],
    ["mongodb://cn@h/own?authMechanism=MONGODB-X509&tls=true", "own", "$external"],
  ])("keeps the authentication database of %s", (uri, kept, source) => {
    expect(read(withDatabase(uri, null))).toEqual([kept, source]);
    expect(read(withDatabase(uri, "other"))).toEqual(["other", source]);
  });

  test("leaves authSource to DNS for mongodb+srv with a path, and sets it without one", () => {
    expect(withDatabase("mongodb+srv://a:b@h/own?w=majority", "other")).toBe(
      "mongodb+srv://a:b@h/other?w=majority",
    );
    expect(withDatabase("mongodb+srv://a:b@h", null)).toBe("mongodb+srv://a:b@h/nest?authSource=admin");
  });
});

test.skipIf(process.platform !== "linux")("waits until no postgres runs in a data folder", async () => {
  await using folder = await temporaryFolder();
  const data = join(folder.path, "data");
  await mkdir(data);
  const program = join(folder.path, "postgres");
  await copyFile(onPath("sleep") ?? "", program);
  const start = async (cwd: string) => {
    const child = spawn(program, ["60"], { cwd });
    await once(child, "spawn");
    return child;
  };
  const elsewhere = await start(folder.path);
  await waitUntilUnused(data, 0);
  const here = await start(data);
  await expect(waitUntilUnused(data, 100)).rejects.toThrow("still uses");
  const free = waitUntilUnused(data, 10_000);
  here.kill("SIGKILL");
  await free;
  elsewhere.kill("SIGKILL");
});
