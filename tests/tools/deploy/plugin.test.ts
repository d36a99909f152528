import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSsmDouble } from "#tests/support/ssm_double.ts";
import { takeInventory } from "#tools/stage/config/inventory.ts";
import { listFunctions } from "#tools/stage/functions.ts";

/** Hides the AWS account of the machine that runs the tests. */
const WITHOUT_ACCOUNT = { AWS_EC2_METADATA_DISABLED: "true", HOME: "/nonexistent" };
const CREDENTIALS = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };

/** Runs `npx serverless`. @returns its status and everything that it printed */
async function runServerless(args: string[], environment: Record<string, string> = {}) {
  const { PATH = "" } = process.env;
  const env = { PATH, SLS_NOTIFICATIONS_MODE: "off", ...WITHOUT_ACCOUNT, ...environment };
  return new Promise<{ status: number; printed: string }>((resolve) => {
    const program = ["node_modules/serverless/bin/serverless.js", ...args];
    execFile(process.execPath, program, { env }, (error, stdout, stderr) =>
      resolve({ status: Number(error?.code ?? 0), printed: `${stdout}${stderr}` }),
    );
  });
}

describe("serverless deploy", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nest-plugin-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("of an incomplete stage lists every missing setting and secret at once, and no unresolved variable", async () => {
    await using ssm = await startSsmDouble();
    const { status, printed } = await runServerless(["deploy", "--stage", "nonprod"], {
      ...CREDENTIALS,
      AWS_ENDPOINT_URL: ssm.url,
    });
    expect(status).toBe(1);
    expect(printed).toContain("The stage nonprod is not ready to deploy:");
    const { parameters } = takeInventory(await listFunctions());
    const missing = [
      "domain.certificateArn: missing in the stage file",
      "plans: none of the app file has a price on nonprod; set prices.nonprod of a plan, or STRIPE_PRICE_ID",
      ...parameters.map(({ name }) => `${name}: missing in SSM`),
    ];
    for (const line of missing) expect(printed).toContain(line);
    expect(printed).not.toMatch(/Cannot resolve|\$\{/);
  });

  test("without credentials lists them together with missing settings", async () => {
    const { status, printed } = await runServerless(["deploy", "--stage", "nonprod"]);
    expect(status).toBe(1);
    expect(printed).toMatch(/plans: none of the app file has a price[\s\S]*SSM: \w+[\s\S]*AWS_PROFILE/);
  });

  test("with a stage file that does not fit the schema names every invalid setting", async () => {
    const file = join(folder, "bad.yml");
    await writeFile(file, "region: moon\n");
    const { status, printed } = await runServerless(["deploy", "--stage", "nonprod", "--settings", file]);
    expect(status).toBe(1);
    for (const place of ["region", "domain", "mail", "throttle"]) expect(printed).toContain(place);
  });

  test.each([
    ["without --stage", ["deploy"], "--stage is missing. Pass --stage nonprod or prod."],
    ["of an unknown stage", ["deploy", "--stage", "moon"], "There is no stage `moon`."],
    ["of a single function", ["deploy", "function", "-f", "jwks", "--stage", "nonprod"], "A single function"],
    [
      "to roll back without the check for older secrets",
      ["rollback", "--stage", "nonprod", "--timestamp", "1795555202698"],
      "npm run nest -- deploy rollback",
    ],
    ["to package", ["package", "--stage", "nonprod"], "plans: none of the app file has a price"],
  ])("is refused in one message %s", async (_case, args, message) => {
    const { status, printed } = await runServerless(args);
    expect(status).toBe(1);
    expect(printed).toContain(message);
    expect(printed).not.toMatch(/Cannot resolve|at .*\.ts:/);
  });
});

test("npm run deploy only calls the framework", () => {
  const printed = execFileSync("npm", ["pkg", "get", "scripts.deploy"], { encoding: "utf8" });
  expect(JSON.parse(printed)).toBe("serverless deploy");
});
