import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADAPTERS } from "#core/app/app.ts";
import { appWithClients } from "#tests/support/app.ts";
import { startRecordingServer } from "#tests/support/recording_server.ts";
import { writeSettings } from "#tests/support/stage.ts";
import { smokeTest } from "#tools/deploy/smoke.ts";
import { checkSettings } from "#tools/stage/config/check_stage.ts";
import { takeInventory } from "#tools/stage/config/inventory.ts";
import { environmentBytes } from "#tools/stage/environment_size.ts";
import { listFunctions } from "#tools/stage/functions.ts";
import { adapterProblems, functionsOn } from "#tools/stage/listed_adapters.ts";
import { contradictions, readSettings, STAGES, settingsPath } from "#tools/stage/settings.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nest-settings-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a stage file", () => {
  test.each([...STAGES])("that is committed for %s lacks only what an account knows", async (stage) => {
    const settings = await readSettings(settingsPath(stage));
    expect(contradictions(settings, stage)).toEqual([
      "domain.certificateArn: missing in the stage file; domain.name needs a certificate",
    ]);
  });

  test("that does not fit the schema is refused, with the name of every invalid setting and no value", async () => {
    const file = join(folder, "bad.yml");
    await writeFile(file, "region: moon\nvariables: { TRIAL_DAYS: 14 }\nsurprise: hunter2\n");
    const refusal = await readSettings(file).catch((error: Error) => error.message);
    for (const place of ["region", "domain", "variables.TRIAL_DAYS", "throttle"])
      expect(refusal).toContain(place);
    expect(refusal).not.toMatch(/moon|hunter2/);
  });

  test("with a log retention that CloudWatch does not accept is refused", async () => {
    const file = await writeSettings(folder, { logRetentionDays: 31 } as never);
    await expect(readSettings(file)).rejects.toThrow("missing or wrong settings: logRetentionDays.");
  });

  test("that is missing or not YAML is refused in one sentence", async () => {
    const missing = join(folder, "missing.yml");
    await expect(readSettings(missing)).rejects.toThrow(
      `${missing} can't be read. Check the path and --stage.`,
    );
    const broken = join(folder, "broken.yml");
    await writeFile(broken, "region: eu-west-2\ndomain: [hunter2\n");
    const refusal = await readSettings(broken).catch((error: Error) => error.message);
    expect(refusal).toMatch(/broken\.yml is not valid YAML: see line \d\.$/);
  });

  test.each([
    [
      "an issuer of another domain",
      { variables: { ISSUER: "https://elsewhere.example" } },
      "variables.ISSUER",
    ],
    ["a sender of another domain", { mail: { address: "no-reply@elsewhere.example" } }, "mail.identity"],
    ["a sender that is not the app's", { mail: { address: "other@nonprod-getbeak.app" } }, "mail.address"],
    ["a sender's name, as in version 0.1", { mail: { name: "Beak App" } }, "mail.name"],
    ["a certificate without a domain", { domain: { name: null } }, "domain.name"],
  ])("with %s is refused, with the name of the setting", async (_case, change, place) => {
    const committed = await readSettings(await writeSettings(folder));
    const [[group, values]] = Object.entries(change) as [[keyof typeof committed, object]];
    const settings = { ...committed, [group]: { ...(committed[group] as object), ...values } };
    expect(contradictions(settings, "nonprod").join()).toContain(place);
  });

  test("with a variable that no function reads, or an unknown function, is refused", async () => {
    const functions = await listFunctions();
    const settings = await readSettings(
      await writeSettings(folder, {
        reservedConcurrency: { strpe_webhook: 5 },
        variables: { LIMIT_LINKS: "3" },
      }),
    );
    const { problems } = checkSettings({
      settings,
      functions,
      inventory: takeInventory(functions),
      store: { stage: "nonprod" },
    });
    expect(problems).toContain("variables.LIMIT_LINKS: no function reads it from the stage file");
    expect(problems).toContain("reservedConcurrency.strpe_webhook: there is no such function");
  });
});

describe("adapters of a stage file", () => {
  const problemsOf = async (adapters: string[], ...clients: Parameters<typeof appWithClients>) => {
    const functions = functionsOn(await listFunctions(), { adapters });
    const app = appWithClients(...clients);
    return adapterProblems({ adapters }, functions, { app, stage: "nonprod" });
  };
  const beep = { id: "client_beep", adapters: ["beep"] as const, grants: ["otp"] as const };

  test("decide which adapters the stage has", async () => {
    const all = await listFunctions();
    const namesOf = (adapters?: string[]) => functionsOn(all, { adapters }).map(({ name }) => name);
    expect(namesOf([...ADAPTERS])).toEqual(all.map(({ name }) => name));
    for (const none of [undefined, []]) expect(namesOf(none)).not.toContain("beep");
    expect(namesOf([])).toHaveLength(all.length - ADAPTERS.length);
  });

  test("are accepted if exactly one enabled client lists each and has its grants", async () => {
    expect(await problemsOf(["beep"], beep)).toEqual([]);
    expect(await problemsOf(["beep"], beep, { ...beep, id: "client_old", enabled: false })).toEqual([]);
    expect(await problemsOf([], { id: "client_own" })).toEqual([]);
  });

  test("are refused if they do not exist, or their client is missing, ambiguous or lacks a grant", async () => {
    const oneClient = "adapters.beep: exactly one enabled client of the app file must list it in `adapters`";
    expect(await problemsOf(["bep"], beep)).toEqual(["adapters.bep: there is no such adapter"]);
    expect(await problemsOf(["beep"], { id: "client_own" })).toEqual([oneClient]);
    expect(await problemsOf(["beep"], beep, { ...beep, id: "client_two" })).toEqual([oneClient]);
    const captcha = { provider: "turnstile", hostnames: ["a.example"], requiredFor: ["send_otp"] } as const;
    expect(await problemsOf(["beep"], { ...beep, captcha })).toEqual([
      "adapters.beep: client_beep has a CAPTCHA, which programs of the other API can't show",
    ]);
    expect(await problemsOf(["beep"], { ...beep, grants: [] })).toEqual([
      "adapters.beep: client_beep must list the grant otp on nonprod",
    ]);
  });
});

describe("an adapter whose programs name their client", () => {
  const needed = {
    adapters: ["static_backend"] as const,
    grants: ["otp_link", "password"] as const,
    registrationMode: "immediate" as const,
    linkQuery: "code_and_email" as const,
  };
  const problemsOf = async (...clients: Parameters<typeof appWithClients>) => {
    const adapters = ["static_backend"];
    const functions = functionsOn(await listFunctions(), { adapters });
    return adapterProblems({ adapters }, functions, { app: appWithClients(...clients), stage: "nonprod" });
  };

  test("can have several clients, and each needs its grants and settings", async () => {
    const two = { ...needed, id: "client_two" };
    expect(await problemsOf(needed, two)).toEqual([]);
    expect(await problemsOf({ id: "client_own" })).toEqual([
      "adapters.static_backend: an enabled client of the app file must list it in `adapters`",
    ]);
    expect(await problemsOf(needed, { ...two, grants: ["password"], linkQuery: "token" })).toEqual([
      "adapters.static_backend: client_two must list the grant otp_link on nonprod",
      'adapters.static_backend: client_two must have linkQuery "code_and_email"',
    ]);
  });
});

test("an adapter that passes on the token of a CAPTCHA can have a client with a CAPTCHA", async () => {
  const captcha = {
    provider: "turnstile",
    hostnames: ["acme.example"],
    requiredFor: ["register_user"],
  } as const;
  const client = {
    captcha,
    grants: ["mfa", "otp", "otp_link", "password"] as const,
    linkQuery: "path" as const,
  };
  const problemsOf = async (name: "service_authentication" | "beep") => {
    const functions = functionsOn(await listFunctions(), { adapters: [name] });
    const app = appWithClients({ ...client, adapters: [name] });
    return adapterProblems({ adapters: [name] }, functions, { app, stage: "nonprod" });
  };
  expect(await problemsOf("service_authentication")).toEqual([]);
  expect(await problemsOf("beep")).toEqual([expect.stringContaining("has a CAPTCHA")]);
});

describe("the database's connections", () => {
  const check = async (stage: "nonprod" | "prod", change: object, throttle = {}) => {
    const functions = await listFunctions();
    const committed = await readSettings(settingsPath(stage));
    const database = { connections: null, poolSize: 8, accountConcurrency: 1_000, ...change };
    const settings = { ...committed, database, throttle: { ...committed.throttle, ...throttle } };
    const inventory = takeInventory(functions);
    const { problems } = checkSettings({ settings, functions, inventory, store: { stage } });
    return problems.filter((problem) => problem.startsWith("throttle"));
  };

  test("are too few in an M40 for the throttle of prod.yml, and the check names the numbers and the remedy", async () => {
    expect(await check("prod", { connections: 6_000 })).toEqual([
      "throttle: a flood can start 930 instances, which open 8370 connections; the database accepts 6000. " +
        "Lower the throttle, as docs/scale.md describes",
    ]);
  });

  test.each<[string, object, object]>([
    ["an M50 for prod.yml", { connections: 16_000 }, {}],
    ["an M40 with a pool of 5", { connections: 6_000, poolSize: 5 }, {}],
    ["an M30 with a pool of 2", { connections: 3_000, poolSize: 2 }, {}],
    ["an M40 with a lower throttle", { connections: 6_000 }, { requestsPerSecond: 95, burst: 200 }],
    ["an M30 with a lower throttle", { connections: 3_000 }, { requestsPerSecond: 44, burst: 100 }],
    ["an M10 with a lower throttle", { connections: 1_500 }, { requestsPerSecond: 15, burst: 60 }],
    ["a small quota of the account", { connections: 3_000, accountConcurrency: 400 }, {}],
    ["a stage that does not say how many there are", {}, {}],
  ])("are enough in %s", async (_case, change, throttle) => {
    expect(await check("prod", change, throttle)).toEqual([]);
  });

  test.each<[string, object, object]>([
    ["an M40 with a pool of 6", { connections: 6_000, poolSize: 6 }, {}],
    [
      "an M30 with a throttle that is a little higher",
      { connections: 3_000 },
      { requestsPerSecond: 47, burst: 100 },
    ],
  ])("are too few in %s", async (_case, change, throttle) => {
    expect(await check("prod", change, throttle)).toHaveLength(1);
  });

  test("of nonprod.yml suffice in an M40, since its throttle limits the instances to 650", async () => {
    expect(await check("nonprod", { connections: 650 * 9 })).toEqual([]);
    expect(await check("nonprod", { connections: 650 * 9 - 1 })).toHaveLength(1);
  });
});

describe("the environment of a function", () => {
  const check = async (variables: Record<string, string>) => {
    const functions = await listFunctions();
    const settings = await readSettings(await writeSettings(folder, { variables }));
    const inventory = takeInventory(functions);
    return checkSettings({ settings, functions, inventory, store: { stage: "nonprod" } }).problems;
  };
  const products = (count: number) =>
    Array.from({ length: count }, (_, index) => `prod_product${index}`).join(",");

  test("that exceeds Lambda's 4 KB is refused; the check names the largest function, its bytes and the variable", async () => {
    const problems = await check({ STRIPE_PRODUCT_IDS: products(260) });
    expect(problems).toEqual([
      expect.stringMatching(
        /^variables\.STRIPE_PRODUCT_IDS: shorten it\. The environment of \S+ has \d{4} bytes, \d{4} of them in STRIPE_PRODUCT_IDS, and \d+ others are too large; Lambda allows 4096$/,
      ),
    ]);
    expect(problems.join()).not.toContain("prod_product");
  });

  test("with some long values is accepted", async () => {
    expect(await check({ STRIPE_PRODUCT_IDS: products(60) })).toEqual([]);
  });

  test("that sets a variable of an earlier version is refused, and the check says where the value is now", async () => {
    expect(await check({ CLIENTS: "[]", DESKTOP_ACCESS_TOKEN_LIFETIME: "3600", TYPO: "1" })).toEqual([
      "variables.CLIENTS: it is now `clients` of the app file (docs/your_app.md)",
      "variables.DESKTOP_ACCESS_TOKEN_LIFETIME: it is now `clients[].accessTokenLifetimeSeconds` of the app file (docs/your_app.md)",
      "variables.TYPO: no function reads it from the stage file",
    ]);
  });

  test("is measured as Lambda does: as JSON, with escaped quotes and in UTF-8", () => {
    expect(environmentBytes({ A: "b" })).toBe('{"A":"b"}'.length);
    expect(environmentBytes({ A: '"' })).toBe(10);
    expect(environmentBytes({ A: "ä" })).toBe(10);
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

  test("passes if every response is as expected", async () => {
    await using server = await serve();
    const said: string[] = [];
    await smokeTest(server.url, ["k1"], (line) => said.push(line), 0);
    expect(said).toHaveLength(Object.keys(answers).length);
  });

  test.each(Object.keys(answers))("fails if the response of %s is wrong", async (path) => {
    await using server = await serve({ [path]: [200, { message: "Hello from Lambda!" }] });
    await expect(smokeTest(server.url, ["k1"], () => undefined, 0)).rejects.toThrow("Smoke test of");
  });

  test("fails if the JWKS has other keys, or the API can't be reached", async () => {
    await using server = await serve();
    await expect(smokeTest(server.url, ["k2"], () => undefined, 0)).rejects.toThrow(
      "the JWKS has the deployed keys",
    );
    await expect(smokeTest("http://127.0.0.1:1", [], () => undefined, 0)).rejects.toThrow(/Smoke test of/);
  });
});
