import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startRecordingServer } from "#tests/support/recording_server.ts";
import { writeSettings } from "#tests/support/stage.ts";
import { smoke } from "#tools/deploy/smoke.ts";
import { checkStage } from "#tools/stage/config/check_stage.ts";
import { takeInventory } from "#tools/stage/config/inventory.ts";
import { listFunctions } from "#tools/stage/functions.ts";
import { missingSettings, readSettings, STAGES, settingsPath } from "#tools/stage/settings.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nest-settings-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a stage file", () => {
  test.each([...STAGES])("that is committed is one: %s", async (stage) => {
    const settings = await readSettings(settingsPath(stage));
    // What only an account or Stripe can tell is for whoever deploys.
    expect(missingSettings(settings)).toEqual(["domain.certificateArn: the domain has no certificate"]);
  });

  test("that is none is refused with every place, and no value", async () => {
    const file = join(folder, "bad.yml");
    await writeFile(file, "region: moon\nvariables: { TRIAL_DAYS: 14 }\nsurprise: hunter2\n");
    const refusal = await readSettings(file).catch((error: Error) => error.message);
    for (const place of ["region", "domain", "variables.TRIAL_DAYS", "throttle"])
      expect(refusal).toContain(place);
    expect(refusal).not.toMatch(/moon|hunter2/);
  });

  test("that is not there, or no YAML, is said in a sentence", async () => {
    const missing = join(folder, "missing.yml");
    await expect(readSettings(missing)).rejects.toThrow(`${missing} can't be read.`);
    const broken = join(folder, "broken.yml");
    await writeFile(broken, "region: eu-west-2\ndomain: [hunter2\n");
    const refusal = await readSettings(broken).catch((error: Error) => error.message);
    expect(refusal).toMatch(/broken\.yml is no YAML in line \d\.$/);
  });

  test.each([
    ["an issuer elsewhere", { variables: { ISSUER: "https://elsewhere.example" } }, "variables.ISSUER"],
    ["a sender of another domain", { mail: { address: "no-reply@elsewhere.example" } }, "mail.identity"],
    ["a certificate without a domain", { domain: { name: null } }, "domain.name"],
  ])("that contradicts itself is named: %s", async (_case, change, place) => {
    const committed = await readSettings(await writeSettings(folder));
    const [[group, values]] = Object.entries(change) as [[keyof typeof committed, object]];
    const settings = { ...committed, [group]: { ...(committed[group] as object), ...values } };
    expect(missingSettings(settings).join()).toContain(place);
  });

  test("with a variable that no function reads, or a function that is not, is not ready", async () => {
    const functions = await listFunctions();
    const settings = await readSettings(
      await writeSettings(folder, {
        reservedConcurrency: { strpe_webhook: 5 },
        variables: { LIMIT_LINKS: "3" },
      }),
    );
    const store = { read: async () => new Map() };
    const target = { stage: "nonprod", isRehearsal: false } as const;
    const { problems } = await checkStage(target, settings, functions, takeInventory(functions), store);
    expect(problems).toContain("variables.LIMIT_LINKS: no function reads it from the stage file");
    expect(problems).toContain("reservedConcurrency.strpe_webhook: there is no such function");
  });
});

describe("the smoke test", () => {
  const answers: Readonly<Record<string, [status: number, body: unknown]>> = {
    "/health": [200, { status: "ok" }],
    "/.well-known/jwks.json": [200, { keys: [{ kid: "k1" }] }],
    "/1/2020-12-14/list_news_items": [200, []],
    "/1/2021-10-06/get_user": [400, { code: "validation_failed" }],
    "/1/webhook/stripe": [400, { code: "invalid_webhook_payload" }],
    "/nothing": [404, { code: "not_found" }],
  };
  const serve = (change: typeof answers = {}) =>
    startRecordingServer((response, { path }) => {
      const [status, body] = { ...answers, ...change }[path] ?? [500, {}];
      response.writeHead(status).end(JSON.stringify(body));
    });

  test("is content with a deployment that answers as it must", async () => {
    await using server = await serve();
    const said: string[] = [];
    await smoke(server.url, ["k1"], (line) => said.push(line), 0);
    expect(said).toHaveLength(Object.keys(answers).length);
  });

  test.each(Object.keys(answers))("is not, if %s is wrong", async (path) => {
    await using server = await serve({ [path]: [200, { message: "Hello from Lambda!" }] });
    await expect(smoke(server.url, ["k1"], () => undefined, 0)).rejects.toThrow("Smoke test of");
  });

  test("is not, if the keys are others, or nobody is there", async () => {
    await using server = await serve();
    await expect(smoke(server.url, ["k2"], () => undefined, 0)).rejects.toThrow(
      "the JWKS has the deployed keys",
    );
    await expect(smoke("http://127.0.0.1:1", [], () => undefined, 0)).rejects.toThrow(/Smoke test of/);
  });
});
