import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import { loadApp } from "#app/load_app.ts";
import { loadMessages } from "#app/load_messages.ts";
import { runCli } from "#tests/support/cli.ts";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { runProgram, temporaryFolder } from "#tests/support/program.ts";
import { freePort } from "#tools/machine/child_process.ts";
import { createApp } from "#tools/operator/app/create_app.ts";
import { contradictions, readSettings } from "#tools/stage/settings.ts";

/** Below the root, so that its files find the imports of this package. */
const FOLDER = "dist/test_apps";
const DOMAIN = "acme.example";

afterEach(() => rm(FOLDER, { recursive: true, force: true }));

describe("app create", () => {
  test("creates an app that passes its checks, names no other app, and has a browser client and a plan", async () => {
    const files = await createApp("acme", { domain: DOMAIN, folder: FOLDER });
    expect(files).toEqual(
      ["app.ts", "logo.svg", "messages/en.ts", "messages/de.ts", "stages/nonprod.yml", "stages/prod.yml"].map(
        (file) => `${FOLDER}/acme/${file}`,
      ),
    );
    for (const file of files) expect(await readFile(file, "utf8"), file).not.toMatch(/beak/i);
    const app = await loadApp(`${FOLDER}/acme`);
    await loadMessages(`${FOLDER}/acme`, app);
    expect(app).toMatchObject({
      name: "Acme",
      clients: [{ id: "acme_web", origins: ["http://localhost:5173", "https://acme.example"] }],
      plans: [{ id: "pro", trialDays: 14 }],
    });
  });

  test.for(["nonprod", "prod"] as const)(
    "creates a stage file for %s that lacks only what an account knows",
    async (stage) => {
      await createApp("acme", { domain: DOMAIN, folder: FOLDER });
      const settings = await readSettings(`${FOLDER}/acme/stages/${stage}.yml`);
      const { mail } = await loadApp(`${FOLDER}/acme`);
      expect(mail.from[stage]).toBe(`Acme <${settings.mail.address}>`);
      // The app of this process has another sender.
      const problems = contradictions(settings, stage).filter((line) => !line.startsWith("mail.address"));
      expect(problems).toEqual([
        "domain.certificateArn: missing in the stage file; domain.name needs a certificate",
      ]);
    },
  );

  test("keeps a title with characters that are special in code, HTML and mailboxes", async () => {
    const title = 'A "quote" & <tag> `${x}` @ 100 %';
    await createApp("odd", { title, domain: DOMAIN, folder: FOLDER });
    const app = await loadApp(`${FOLDER}/odd`);
    expect(app.name).toBe(title);
    expect(app.mail.from.local).toBe("A quote & tag `${x}`  100 % <no-reply@acme.example>");
    expect(await readFile(`${FOLDER}/odd/logo.svg`, "utf8")).toContain("&#60;tag&#62;");
  });

  test.for([
    ["acme_inc", "Acme, Inc."],
    ["mueller", "Müller & Söhne"],
    ["dollar", "A$$AP $& $' {app}"],
    ["long", "a".repeat(100)],
    ["brackets", "<>"],
  ] as const)("creates an app %s that passes its checks for the title %j", async ([name, title]) => {
    await createApp(name, { title, domain: DOMAIN, folder: FOLDER });
    const app = await loadApp(`${FOLDER}/${name}`);
    expect(app.name).toBe(title);
    await loadMessages(`${FOLDER}/${name}`, app);
  });

  test("changes nothing if the folder exists", async () => {
    await createApp("acme", { domain: DOMAIN, folder: FOLDER });
    const before = await readFile(`${FOLDER}/acme/app.ts`, "utf8");
    await expect(createApp("acme", { title: "Other", domain: DOMAIN, folder: FOLDER })).rejects.toThrow(
      `${FOLDER}/acme exists. Choose another name.`,
    );
    expect(await readFile(`${FOLDER}/acme/app.ts`, "utf8")).toBe(before);
  });

  test.for([
    ["Acme"],
    ["../acme"],
    ["1acme"],
    [""],
    ["acme", "--domain", "nowhere"],
    ["acme", "--domain", "https://acme.example"],
    ["acme", "--domain", "-.-"],
    ["acme", "--domain", `${"a".repeat(64)}.example`],
    ["con"],
    ["acme", "--title", ""],
    ["acme", "--title", " "],
    ["acme", "--title", "Ac\nme"],
    ["acme", "--title", "a".repeat(101)],
  ])("refuses %j with status 2, and creates nothing", async (args) => {
    const { status, printed } = await runCli(["app", "create", ...args], {});
    expect({ status, printed }).toEqual({
      status: 2,
      printed: expect.stringMatching(
        /^(error: )?(The name must have|The title must have|Windows reserves|\S+ is not a domain)/,
      ),
    });
    expect(existsSync("app/acme") || existsSync("app/con")).toBe(false);
  });
});

test("app show shows the app of NEST_APP, and app landing writes its page", async () => {
  await using out = await temporaryFolder();
  await createApp("acme", { domain: DOMAIN, folder: FOLDER });
  const run = (...args: string[]) =>
    runProgram("tools/operator/nest.ts", ["app", ...args], { NEST_APP: `${FOLDER}/acme` }).ended;
  const shown = await run("show");
  expect(shown).toMatchObject({
    status: 0,
    printed: expect.stringMatching(/Acme .*en, de[\s\S]*client acme_web[\s\S]*plan pro +€9\.00 a month/),
  });
  const landing = () => run("landing", "--out", out.path);
  const noDeepLink = expect.stringContaining("The app file has no `urls.deepLink`");
  expect(await landing()).toMatchObject({ status: 0, printed: noDeepLink });
  const file = `${FOLDER}/acme/app.ts`;
  const source = await readFile(file, "utf8");
  await writeFile(file, source.replace("  urls: {", '  urls: {\n    deepLink: "acme://sign-in",'));
  expect(await landing()).toMatchObject({ status: 0, printed: expect.not.stringContaining("deepLink") });
  expect(await readFile(`${out.path}/index.html`, "utf8")).toContain(
    '<script type="module" src="landing.js">',
  );
});

test("a NEST_APP without an app says which app was meant", async () => {
  const { printed } = await runProgram("tools/operator/nest.ts", ["app", "show"], { NEST_APP: "beak" }).ended;
  expect(printed).toContain("Set NEST_APP to app/beak.");
});

test("the local stack serves the OpenAPI document with the examples of its app", async () => {
  await createApp("acme", { domain: DOMAIN, folder: FOLDER });
  await using data = await temporaryFolder();
  const program = runProgram("tools/local/start.ts", [], {
    PORT: String(await freePort()),
    NEST_DATA_DIR: data.path,
    MONGODB_URI: freshDatabaseUri(),
    NEST_APP: `${FOLDER}/acme`,
  });
  const [, url] = await program.until(/Nest is at (http:\S+)/);
  const document = await (await fetch(`${url}/openapi.json`)).text();
  program.process.kill("SIGTERM");
  expect((await program.ended).printed).toContain(`App: Acme (${FOLDER}/acme)`);
  expect(document).toContain('"client_id": "acme_web"');
  expect(document).not.toContain("getbeak.app/");
});
