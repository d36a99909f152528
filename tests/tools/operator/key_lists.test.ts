import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { hashSecret } from "#core/secrets.ts";
import { runCli } from "#tests/support/cli.ts";
import { runProgram } from "#tests/support/program.ts";
import { startSsmDouble, stubAws } from "#tests/support/ssm_double.ts";
import { writeSettings } from "#tests/support/stage.ts";

let folder: string;
let settings: string;
let ssm: Awaited<ReturnType<typeof startSsmDouble>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nest-key-lists-"));
  settings = await writeSettings(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  ssm = await startSsmDouble();
  stubAws(ssm.url);
  await config("make");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await ssm[Symbol.asyncDispose]();
});

const called = (args: string[]) => ["config", ...args, "--stage", "nonprod", "--settings", settings];
const config = (...args: string[]) => runCli(called(args), {});
/** Runs the program in its own process with a secret on standard input. */
const piped = (secret: string, ...args: string[]) => {
  const program = runProgram("tools/operator/nest.ts", called(args));
  program.process.stdin?.end(secret);
  return program.ended;
};
const stored = (name: string) => ssm.stored().get(`/nest/nonprod/${name}`) ?? "";

test("adds a refresh key, moves it to the front and drops the old one, without ever showing a key", async () => {
  const [old] = JSON.parse(stored("REFRESH_KEYS"));
  const printed: string[] = [];
  const step = async (...args: string[]) => {
    const { status, printed: said } = await config(...args);
    printed.push(said);
    expect(status, JSON.stringify(args)).toBe(0);
    return JSON.parse(stored("REFRESH_KEYS")).map(({ id }: { id: string }) => id);
  };
  const [, fresh] = await step("add", "REFRESH_KEYS");
  expect(JSON.parse(stored("REFRESH_KEYS"))[0]).toEqual(old);
  expect(await config("drop", "REFRESH_KEYS", "1", "--yes")).toMatchObject({
    status: 1,
    printed: expect.stringContaining("1 is in use"),
  });
  expect(await step("first", fresh)).toEqual([fresh, "1"]);
  const keys = JSON.parse(stored("REFRESH_KEYS"));
  expect((await config("list", "REFRESH_KEYS")).printed).toBe(`${fresh}\n1\n`);
  expect(await step("drop", "REFRESH_KEYS", "1", "--yes")).toEqual([fresh]);
  // Ids are never reused: tokens derived with the old key would be derived differently.
  expect((await step("add", "REFRESH_KEYS"))[1]).not.toMatch(/^[12]$/);
  for (const { key } of keys) expect(printed.join("")).not.toContain(key);
});

test("shows a new internal key once and stores its name, its methods and its hash beside the existing keys", async () => {
  const before = stored("INTERNAL_KEYS");
  const old = before.slice(0, 8);
  const billing = ["--name", "billing", "--methods", "get_user, get_subscription_status"];
  const { status, printed } = await config("add", "INTERNAL_KEYS", ...billing);
  const [, key = ""] = /shown only once: ([0-9a-f]{64})/.exec(printed) ?? [];
  expect([status, JSON.parse(stored("INTERNAL_KEYS"))]).toEqual([
    0,
    [
      { name: old, hash: before },
      { name: "billing", methods: ["get_user", "get_subscription_status"], hash: hashSecret(key) },
    ],
  ]);
  expect((await config("list", "INTERNAL_KEYS")).printed).toBe(
    `${old}  all methods\nbilling   get_user, get_subscription_status\n`,
  );
  await config("drop", "INTERNAL_KEYS", old, "--yes");
  expect(JSON.parse(stored("INTERNAL_KEYS"))).toMatchObject([{ name: "billing" }]);
  const last = await config("drop", "INTERNAL_KEYS", "billing", "--yes");
  expect({ status: last.status, printed: last.printed }).toEqual({
    status: 1,
    printed: expect.stringContaining("is the only value"),
  });
});

test("an internal key may permit all methods, and a key that is refused is never shown", async () => {
  const before = stored("INTERNAL_KEYS");
  const unknown = await config("add", "INTERNAL_KEYS", "--name", "billing", "--methods", "get_usr");
  expect(unknown).toEqual({
    status: 1,
    printed: "INTERNAL_KEYS: lists methods that do not exist: get_usr\n",
  });
  expect(stored("INTERNAL_KEYS")).toBe(before);
  expect(await config("add", "INTERNAL_KEYS", "--name", "support", "--methods", "all")).toMatchObject({
    status: 0,
  });
  expect(JSON.parse(stored("INTERNAL_KEYS"))[1]).toEqual({ name: "support", hash: expect.any(String) });
  const again = await config("add", "INTERNAL_KEYS", "--name", "support", "--methods", "all");
  expect({ status: again.status, printed: again.printed }).toEqual({
    status: 1,
    printed: "Value support exists already. Nothing was changed.\n",
  });
});

test("keys without a name keep the format of earlier versions when one of them is dropped", async () => {
  const [one, other] = [hashSecret("one"), hashSecret("other")];
  await piped(`${one},${other}`, "put", "INTERNAL_KEYS");
  await config("drop", "INTERNAL_KEYS", one.slice(0, 8), "--yes");
  expect(stored("INTERNAL_KEYS")).toBe(other);
});

test("reads Stripe's next webhook secret from a pipe and keeps both until the old one is dropped", async () => {
  await piped("whsec_0123456789abcdef", "put", "STRIPE_WEBHOOK_SECRETS");
  const added = await piped("whsec_fedcba9876543210\n", "add", "STRIPE_WEBHOOK_SECRETS");
  expect([added.status, stored("STRIPE_WEBHOOK_SECRETS")]).toEqual([
    0,
    "whsec_0123456789abcdef,whsec_fedcba9876543210",
  ]);
  expect(added.printed).not.toContain("whsec_");
  await config("drop", "STRIPE_WEBHOOK_SECRETS", hashSecret("whsec_0123456789abcdef").slice(0, 8), "--yes");
  expect(stored("STRIPE_WEBHOOK_SECRETS")).toBe("whsec_fedcba9876543210");
});

test("asks for confirmation before it drops a value, and reports an unknown id or name in one sentence", async () => {
  await config("add", "INTERNAL_KEYS", "--name", "billing", "--methods", "all");
  const before = stored("INTERNAL_KEYS");
  const refusals: [string[], number, RegExp][] = [
    [["drop", "INTERNAL_KEYS", "billing"], 1, /Pass --yes/],
    [
      ["drop", "INTERNAL_KEYS", "00000000", "--yes"],
      1,
      /There is no value 00000000 in INTERNAL_KEYS\. Values: /,
    ],
    [["first", "7"], 1, /There is no value 7 in REFRESH_KEYS\. Values: /],
    [["add", "INTERNAL_KEYS"], 2, /needs --name and --methods/],
    [["add", "INTERNAL_KEYS", "--name", "Billing!", "--methods", "all"], 2, /--name must have/],
    [["add", "REFRESH_KEYS", "--name", "billing"], 2, /are for INTERNAL_KEYS only/],
    [["list", "MONGODB_URI"], 2, /The name must be one of REFRESH_KEYS/],
    [["list", "STRIPE_WEBHOOK_SECRETS"], 1, /missing in SSM/],
  ];
  for (const [args, status, words] of refusals)
    expect(await config(...args), JSON.stringify(args)).toEqual({
      status,
      printed: expect.stringMatching(words),
    });
  expect(stored("INTERNAL_KEYS")).toBe(before);
});
