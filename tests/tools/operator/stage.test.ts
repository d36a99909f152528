import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { newSecret } from "#core/secrets.ts";
import { runCli } from "#tests/support/cli.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { temporaryFolder } from "#tests/support/program.ts";
import { startSsmDouble, stubAws } from "#tests/support/ssm_double.ts";
import { writeSettings } from "#tests/support/stage.ts";
import { stageEnvironment } from "#tools/stage/stage_environment.ts";

let nest: TestNest;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let settings: string;
let ssm: Awaited<ReturnType<typeof startSsmDouble>>;
beforeAll(async () => {
  nest = await startNest();
  await nest.signIn("ada@example.com");
  folder = await temporaryFolder();
  settings = await writeSettings(folder.path, { variables: { TRIAL_CARD_POLICY: "flag" } });
});
afterAll(async () => {
  await nest.stop();
  await folder[Symbol.asyncDispose]();
});
beforeEach(async () => {
  ssm = await startSsmDouble({
    "/nest/nonprod/MONGODB_URI": nest.mongoUri,
    "/nest/nonprod/STRIPE_SECRET_KEY": nest.stripe.secretKey,
    "/nest/nonprod/SIGNING_KEYS": "the functions' alone",
  });
  stubAws(ssm.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await ssm[Symbol.asyncDispose]();
});

const stage = () => ({ stage: "nonprod", settings });
const elsewhere = { MONGODB_URI: "mongodb://127.0.0.1:9/elsewhere" };

test("--stage uses the deployed stage, whatever the shell's environment says", async () => {
  const args = ["users", "show", "ada@example.com", "--stage", "nonprod", "--settings", settings];
  const { status, printed } = await runCli(args, elsewhere);
  expect({ status, printed }).toEqual({ status: 0, printed: expect.stringContaining("ada@example.com") });
  expect(printed).not.toContain(nest.mongoUri);
});

test("--stage uses the stage's billing settings and reads no signing key", async () => {
  const shell = {
    ...elsewhere,
    REQUIRED_PROMOTION_CODE_ID: "promo_old",
    SIGNING_KEYS: "x",
    HOME: "/home/ada",
  };
  const environment = await stageEnvironment(stage(), { ...shell, STRIPE_URL: nest.stripe.url });
  expect(environment).toMatchObject({
    STAGE: "nonprod",
    TRIAL_CARD_POLICY: "flag",
    STRIPE_PRICE_ID: "price_nest",
    STRIPE_URL: nest.stripe.url,
    MAIL_CONFIGURATION_SET: "nest-nonprod",
    AWS_REGION: "eu-west-2",
    HOME: "/home/ada",
  });
  for (const name of ["REQUIRED_PROMOTION_CODE_ID", "SIGNING_KEYS", "MAIL_REPLY_TO"])
    expect(environment).not.toHaveProperty(name);
  expect(ssm.asked.flat()).toEqual(["/nest/nonprod/MONGODB_URI", "/nest/nonprod/STRIPE_SECRET_KEY"]);
});

test("`keys rotate --mfa --stage` reads the keys of second factors from SSM, which other commands don't", async () => {
  const args = ["keys", "rotate", "--mfa", "--stage", "nonprod", "--settings", settings];
  expect(await runCli(args, elsewhere)).toEqual({ status: 1, printed: "FACTOR_KEYS: missing in SSM.\n" });
  await using whole = await startSsmDouble({
    "/nest/nonprod/MONGODB_URI": nest.mongoUri,
    "/nest/nonprod/STRIPE_SECRET_KEY": nest.stripe.secretKey,
    "/nest/nonprod/FACTOR_KEYS": JSON.stringify([{ id: "1", key: newSecret() }]),
  });
  stubAws(whole.url);
  const shell = { ...elsewhere, FACTOR_KEYS: "the shell's" };
  expect(await runCli(args, shell)).toEqual({
    status: 0,
    printed: "0 seeds were encrypted again. The first key of FACTOR_KEYS now encrypts every seed.\n",
  });
});

test("reports a missing secret, an unknown stage, and --stage together with --local in one sentence", async () => {
  const refused = async (...args: string[]) => {
    const { status, printed } = await runCli(["users", "show", "ada@example.com", ...args], elsewhere);
    return [status, printed.split("\n")[0]];
  };
  const of = (name: string) => ["--stage", name, "--settings", settings];
  expect(await refused(...of("moon"))).toEqual([
    2,
    "There is no stage `moon`. Pass --stage nonprod or prod.",
  ]);
  expect(await refused(...of("nonprod"), "--local")).toEqual([
    2,
    expect.stringMatching(/^--local cannot be used/),
  ]);
  await using empty = await startSsmDouble();
  stubAws(empty.url);
  expect(await refused(...of("nonprod"))).toEqual([1, "MONGODB_URI, STRIPE_SECRET_KEY: missing in SSM."]);
});
