import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { HOUR, plusSeconds } from "#core/clock.ts";
import { generateKeySet } from "#core/keys/key_rotation.ts";
import { parseKeySet } from "#core/keys/signing_keys.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { runCli } from "#tests/support/cli.ts";
import { startSsmDouble, stubAws } from "#tests/support/ssm_double.ts";
import { writeSettings } from "#tests/support/stage.ts";
import { takeInventory } from "#tools/stage/config/inventory.ts";
import { putParameters } from "#tools/stage/config/put_parameters.ts";
import { listFunctions } from "#tools/stage/functions.ts";

let folder: string;
let settings: string;
let ssm: Awaited<ReturnType<typeof startSsmDouble>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nest-config-"));
  settings = await writeSettings(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  ssm = await startSsmDouble();
  stubAws(ssm.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await ssm[Symbol.asyncDispose]();
});

const config = (...args: string[]) =>
  runCli(["config", ...args, "--stage", "nonprod", "--settings", settings], {});
const putFile = async (secrets: Record<string, string>) => {
  const file = join(folder, "secrets.env");
  await writeFile(
    file,
    Object.entries(secrets)
      .map(([name, value]) => `${name}='${value}'`)
      .join("\n"),
  );
  return config("put", "--file", file);
};
const good = () => ({
  MONGODB_URI: "mongodb://nest:hunter2@127.0.0.1:27017/nest",
  STRIPE_SECRET_KEY: `sk_test_${newSecret()}`,
  STRIPE_WEBHOOK_SECRETS: `whsec_${newSecret()}`,
});

describe("config put", () => {
  test("writes SecureStrings, prints versions and no value, and keeps unchanged values", async () => {
    const secrets = good();
    const first = await putFile(secrets);
    expect(first.status).toBe(0);
    expect(first.printed).toContain("MONGODB_URI: version 1");
    expect(await putFile({ ...secrets, MONGODB_URI: `${secrets.MONGODB_URI}2` })).toMatchObject({
      status: 0,
      printed: expect.stringMatching(/MONGODB_URI: version 2[\s\S]*STRIPE_SECRET_KEY: unchanged, version 1/),
    });
    expect(ssm.puts.map(({ Name, Type, KeyId }) => [Name, Type, KeyId])).toEqual(
      ["MONGODB_URI", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "MONGODB_URI"].map((name) => [
        `/nest/nonprod/${name}`,
        "SecureString",
        "alias/aws/ssm",
      ]),
    );
    for (const value of Object.values(secrets)) expect(first.printed).not.toContain(value);
  });

  test("reads one secret from a pipe", async () => {
    const args = [
      "tools/operator/nest.ts",
      "config",
      "put",
      "RATE_LIMIT_KEY",
      "--stage",
      "nonprod",
      "--settings",
      settings,
    ];
    const child = spawn(process.execPath, args);
    const secret = newSecret();
    child.stdin.end(`${secret}\n`);
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
    expect(ssm.stored().get("/nest/nonprod/RATE_LIMIT_KEY")).toBe(secret);
  });

  test("writes the public half of the signing keys first", async () => {
    const keys = JSON.stringify(await generateKeySet(new Date()));
    expect(await putFile({ SIGNING_KEYS: keys })).toMatchObject({ status: 0 });
    expect(ssm.puts.map(({ Name, Type }) => [Name.split("/").at(-1), Type])).toEqual([
      ["SIGNING_KEYS_PUBLIC", "String"],
      ["SIGNING_KEYS", "SecureString"],
    ]);
    expect(ssm.stored().get("/nest/nonprod/SIGNING_KEYS_PUBLIC")).not.toContain('"d"');
  });

  test.each([
    [
      "a published sample",
      { STRIPE_SECRET_KEY: "sk_test_4eC39HqLyjWDarjtT1zdp7dc" },
      "is a published sample",
    ],
    ["the double's key", { STRIPE_SECRET_KEY: "sk_test_double" }, "is a published sample"],
    ["a live key outside prod", { STRIPE_SECRET_KEY: `sk_live_${newSecret()}` }, "is a live key"],
    [
      "a sample database",
      { MONGODB_URI: "mongodb+srv://a:b@cluster.example.net/nest" },
      "names a sample host",
    ],
    [
      "a database with a weaker write concern",
      { MONGODB_URI: "mongodb+srv://cluster.getbeak.app/nest?w=1" },
      "invalid;",
    ],
    ["a key that could be guessed", { RATE_LIMIT_KEY: "a".repeat(40) }, "could be guessed"],
    ["a database on this machine", { MONGODB_URI: "mongodb://localhost/nest" }, "names this machine"],
    ["a sample internal key", { INTERNAL_KEYS: hashSecret("secret") }, "invalid;"],
    ["a database without TLS", { MONGODB_URI: "mongodb://db.getbeak.app/nest" }, "has no TLS"],
    [
      "a database whose TLS is switched off",
      { MONGODB_URI: "mongodb+srv://cluster.getbeak.app/nest?tls=false" },
      "has no TLS",
    ],
    [
      "a database whose certificate is not verified",
      { MONGODB_URI: "mongodb+srv://cluster.getbeak.app/nest?tlsAllowInvalidCertificates=true" },
      "does not verify the certificate",
    ],
    [
      "an internal key for a method that does not exist",
      {
        INTERNAL_KEYS: JSON.stringify([
          { name: "billing", hash: hashSecret(newSecret()), methods: ["get_usr"] },
        ]),
      },
      "lists methods that do not exist: get_usr",
    ],
    ["a setting", { MAIL_REPLY_TO: "help@getbeak.app" }, "no secret"],
    ["a name that no function reads", { STRIPE_SECRET: "x" }, "no function reads it"],
    ["the public half of the signing keys", { SIGNING_KEYS_PUBLIC: "{}" }, "derived from SIGNING_KEYS"],
    ["a value that is too long", { RATE_LIMIT_KEY: newSecret().repeat(100) }, "longer than 4096 bytes"],
    ["an empty set of values", {}, "There is no value"],
  ])("refuses %s and writes nothing", async (_case, bad: Record<string, string>, why) => {
    const written: string[] = [];
    const store = {
      stage: "nonprod",
      isRehearsal: false,
      read: async () => new Map(),
      put: async (name: string) => written.push(name),
    } as const;
    const secrets =
      Object.keys(bad).length === 0
        ? {}
        : { ...good(), MONGODB_URI: "mongodb+srv://nest:hunter2@cluster.getbeak.app/nest", ...bad };
    const inventory = takeInventory(await listFunctions());
    const { refused } = await putParameters({ inventory, store }, new Map(Object.entries(secrets)));
    expect(refused).toEqual([expect.stringContaining(why)]);
    for (const value of Object.values(bad)) expect(refused.join()).not.toContain(value);
    expect(written).toEqual([]);
  });

  test("the command names a refused secret, exits with status 1 and does not call SSM", async () => {
    const bad = { ...good(), STRIPE_SECRET_KEY: "sk_test_4eC39HqLyjWDarjtT1zdp7dc" };
    const { status, printed } = await putFile(bad);
    expect({ status, printed }).toEqual({ status: 1, printed: "STRIPE_SECRET_KEY: is a published sample\n" });
    expect({ puts: ssm.puts, asked: ssm.asked }).toEqual({ puts: [], asked: [] });
  });
});

describe("config make, check and rotate", () => {
  test("check names every missing setting and secret, until make and put have written them", async () => {
    const before = await config("check");
    expect(before.status).toBe(1);
    for (const name of [
      "MONGODB_URI",
      "SIGNING_KEYS",
      "SIGNING_KEYS_PUBLIC",
      "REFRESH_KEYS",
      "INTERNAL_KEYS",
    ])
      expect(before.printed).toContain(`${name}: missing in SSM`);
    expect(await config("make")).toMatchObject({ status: 0 });
    expect(await putFile(good())).toMatchObject({ status: 0 });
    const after = await config("check");
    expect({ status: after.status, printed: after.printed }).toEqual({
      status: 0,
      printed: expect.not.stringContaining("missing"),
    });
    expect(after.printed).not.toContain("hunter2");
  });

  test("make keeps existing secrets", async () => {
    await config("make");
    const stored = ssm.stored();
    expect(await config("make")).toMatchObject({
      status: 0,
      printed: expect.stringContaining("exists, version"),
    });
    expect(ssm.stored()).toEqual(stored);
  });

  test("rotate changes both parameters of the signing keys, once the next key was served for an hour", async () => {
    await config("make");
    expect(await config("rotate")).toMatchObject({
      status: 1,
      printed: expect.stringContaining("has not been served for an hour"),
    });
    const old = await generateKeySet(plusSeconds(new Date(), -2 * HOUR));
    await putFile({ SIGNING_KEYS: JSON.stringify(old) });
    expect(await config("rotate")).toMatchObject({
      status: 0,
      printed: expect.stringMatching(/retired .*\ncurrent .*\nnext /),
    });
    const rotated = parseKeySet(JSON.parse(ssm.stored().get("/nest/nonprod/SIGNING_KEYS") ?? ""));
    const published = parseKeySet(JSON.parse(ssm.stored().get("/nest/nonprod/SIGNING_KEYS_PUBLIC") ?? ""));
    expect(rotated.keys.map(({ state }) => state)).toEqual(["retired", "current", "next"]);
    expect(published.keys.map(({ kid }) => kid)).toEqual(rotated.keys.map(({ kid }) => kid));
    expect(published.keys.every(({ d }) => d === undefined)).toBe(true);

    const kid = rotated.keys.find(({ state }) => state === "current")?.kid ?? "";
    expect(await config("retire", kid)).toMatchObject({
      status: 1,
      printed: expect.stringContaining("Pass --yes"),
    });
    expect(await config("retire", kid, "--yes")).toMatchObject({ status: 0 });
    for (const name of ["SIGNING_KEYS", "SIGNING_KEYS_PUBLIC"])
      expect(ssm.stored().get(`/nest/nonprod/${name}`)).not.toContain(kid);
  });

  test("an unreachable account is reported in one line, and a misused command with how to use it", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    const lost = await config("check");
    expect({ status: lost.status, printed: lost.printed }).toEqual({
      status: 1,
      printed: expect.stringMatching(/^SSM: [\w ]+\.?\n$/),
    });
    for (const wrong of [
      ["config", "check"],
      ["config", "put", "--stage", "nonprod"],
      ["other", "x"],
    ]) {
      const { status, printed } = await runCli(wrong, {});
      expect({ status, printed }).toEqual({ status: 2, printed: expect.stringContaining("Add --help") });
    }
    const local = await config("check", "--local");
    expect({ status: local.status, printed: local.printed }).toEqual({
      status: 2,
      printed: expect.stringContaining("--local cannot be used with a stage"),
    });
    expect(await runCli(["config"], {})).toMatchObject({
      status: 2,
      printed: expect.stringMatching(/^Usage: nest config/),
    });
  });
});
