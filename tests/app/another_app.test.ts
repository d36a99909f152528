import { readFile, rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasBrowser, launchBrowser, press } from "#tests/support/browser.ts";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { SIMPLE } from "#tests/support/nest.ts";
import { P1, P2 } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { runProgram, temporaryFolder } from "#tests/support/program.ts";
import { createApp } from "#tools/operator/app/create_app.ts";

/** Below the root, so that its files find the imports of this package. */
const FOLDER = "dist/another_app";
const NEST_APP = `${FOLDER}/acme`;

beforeAll(async () => {
  await rm(FOLDER, { recursive: true, force: true });
  await createApp("acme", { domain: "acme.example", folder: FOLDER });
});
afterAll(() => rm(FOLDER, { recursive: true, force: true }));

/** Removes what may name Beak in every app: fields of the contract, in the wire's spelling and in the domain's. */
const withoutContract = (text: string) => text.replaceAll(/beak_id|beak-time|beakIds?/g, "");

/** Removes the list of common passwords from a bundle: beaks are among them. */
const withoutPasswords = (text: string) => text.replaceAll(/(?:[^A-Z\s]{1,40}[A-Z]){10000,}[^A-Z\s]*/g, "");

/** The lines of a text that name Beak. */
function namings(text: string): string[] {
  const own = withoutContract(text);
  // Most texts don't. The expressions below take long on the one line of a bundle.
  if (!/beak/i.test(own)) return [];
  return withoutPasswords(own).match(/.{0,60}beak.{0,60}/gi) ?? [];
}

/** Registers a person at the app's local stack, and sets a new password in a browser with the link of a reset. */
async function setsPassword(url: string, get: (path: string) => Promise<string>): Promise<void> {
  const who = { client_id: SIMPLE, identifier_type: "email", identifier_value: "eve@example.com" };
  const call = async (method: string, body: object) => {
    const sent = await fetch(`${url}${V3}${method}`, { method: "POST", body: JSON.stringify(body) });
    return { status: sent.status, body: (await sent.json()) as Record<string, string> };
  };
  expect((await call("register_user", { ...who, password: P1 })).status).toBe(200);
  const { sample_clients } = JSON.parse(await get("/dev/status"));
  const { redirect_uri } = sample_clients.find(({ id }: { id: string }) => id === SIMPLE);
  expect((await call("send_password_reset", { ...who, redirect_uri })).status).toBe(200);
  const mails = JSON.parse(await get("/dev/inbox")) as { to: string; text: string }[];
  const { text } = mails.findLast(({ to }) => to === "eve@example.com") ?? { text: "" };
  expect(namings(text)).toEqual([]);
  const query = /\?token=\S+/.exec(text)?.[0];
  expect(query, text).toBeDefined();
  if (!hasBrowser) return;
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ locale: "en-GB" });
    await page.goto(`${url}/magic-link${query}`);
    expect(namings(await page.content())).toEqual([]);
    expect(await page.title()).toContain("Acme");
    await page.fill("#new-password", P2);
    await press(page, "Set the password");
    await page.locator("#reset-result", { hasText: "every device was signed out" }).waitFor();
  } finally {
    await browser.close();
  }
  const signIn = (password: string) =>
    call("authenticate_user", { ...who, grant_type: "password", password });
  expect([(await signIn(P1)).status, (await signIn(P2)).status]).toEqual([401, 200]);
}

describe("an app of somebody else's", () => {
  test("is named in its bundles, its mails, its landing page and its OpenAPI document, and Beak is not", async () => {
    const { status, printed } = await runProgram("tests/app/print_app.ts", [], { NEST_APP }).ended;
    expect(status, printed).toBe(0);
    const made = JSON.parse(printed) as Record<string, string>;
    const kinds = new Set(Object.keys(made).map((name) => name.split(" ")[0]));
    expect([...kinds].sort()).toEqual(["bundle", "landing", "mail", "openapi"]);
    for (const [name, content] of Object.entries(made)) {
      expect(content.length, name).toBeGreaterThan(100);
      expect(namings(content), name).toEqual([]);
    }
    expect(made["bundle send_magic_link-2020-12-14"]).toContain("acme_web");
    expect(made["mail magic-link en"]).toContain("Sign in to Acme");
    expect(made["mail magic-link de"]).toContain("Das Team von Acme");
    expect(made["landing index.html"]).toContain("Sign in to Acme");
    expect(made["openapi document"]).toContain("https://nest.acme.example");
  }, 400_000);

  test("signs a person in on its own local stack, whose page and mails do not name Beak, and sets a password on its landing page", async () => {
    await using folder = await temporaryFolder();
    const program = runProgram("tools/local/start.ts", [], {
      NEST_APP,
      PORT: "0",
      NEST_DATA_DIR: folder.path,
      MONGODB_URI: freshDatabaseUri(),
    });
    const [, url = ""] = await program.until(/Nest is at (http:\S+)/);
    const get = async (path: string) => (await fetch(`${url}${path}`)).text();
    for (const path of [
      "/",
      "/assets/api.js",
      "/assets/clients.js",
      "/assets/main.js",
      "/assets/page.css",
      "/magic-link",
      "/magic-link/landing.js",
      "/magic-link/passkey.js",
      "/magic-link/read_link.js",
      "/magic-link/reset_password.js",
    ])
      expect(namings(await get(path)), path).toEqual([]);
    expect(namings(await get("/dev/status"))).toEqual([]);
    const origin = "http://localhost:5173";
    const call = async (method: string, body: object) =>
      fetch(`${url}/1/2021-10-06/${method}`, {
        method: "POST",
        headers: { origin },
        body: JSON.stringify(body),
      });
    const link = { client_id: "acme_web", redirect_uri: `${origin}/` };
    const asked = await call("send_magic_link", {
      ...link,
      state: "s",
      code_challenge_method: "S256",
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      identifier_type: "email",
      identifier_value: "ada@example.com",
    });
    expect({ status: asked.status, allowed: asked.headers.get("access-control-allow-origin") }).toEqual({
      status: 204,
      allowed: origin,
    });
    const [mail] = JSON.parse(await get("/dev/inbox"));
    expect(mail.from).toBe("Acme <no-reply@acme.example>");
    expect(namings(JSON.stringify(mail))).toEqual([]);
    const redeemed = await call("authenticate_user", {
      ...link,
      grant_type: "authorization_code",
      code: /authzcode_\w+\.\w+/.exec(mail.text)?.[0],
      code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    });
    expect(await redeemed.json()).toMatchObject({ client_id: "acme_web", expires_in: 3600 });
    await setsPassword(url, get);
    const operate = (environment: Record<string, string>) =>
      runProgram("tools/operator/nest.ts", ["--local", "users", "list"], {
        PORT: new URL(url).port,
        ...environment,
      }).ended;
    expect(await operate({ NEST_APP: "app/beak" })).toEqual({
      status: 1,
      printed: `The local stack runs ${NEST_APP}. Run the command with NEST_APP=${NEST_APP}.\n`,
    });
    expect((await operate({ NEST_APP })).status).toBe(0);
    program.process.kill("SIGTERM");
    await program.ended;
  }, 120_000);
});

test("the code of src and tools does not name Beak, except in fields of the contract", async () => {
  const { listFiles } = await import("#tests/tools/docs/markdown.ts");
  const files = listFiles("src", "tools", "deploy", "serverless.yml").filter((file) => !ABOUT_BEAK.has(file));
  const found = await Promise.all(
    files.map(async (file) => {
      const names = namings(await readFile(file, "utf8"));
      return names.length === 0 ? [] : [`${file}: ${names[0]}`];
    }),
  );
  expect(found.flat()).toEqual([]);
});

/** Files that name Beak's app as the default or as the pattern for a new app, or are about the service of 2022. */
const ABOUT_BEAK = new Set([
  "serverless.yml",
  "tools/operator/app/app_source.ts",
  "tools/operator/app/create_app.ts",
  "tools/docs/pages/configure.ts",
]);
