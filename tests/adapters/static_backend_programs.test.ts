import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { Backend as NodeBackend } from "@staticbackend/backend";
import { Backend as JsBackend } from "@staticbackend/js";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import app from "#app";
import { hasBrowser, launchBrowser } from "#tests/support/browser.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { StaticBackend } from "#tests/support/static_backend.ts";
import { ADAPTER_CLIENT_IDS, withSampleClients } from "#tools/local/sample_clients.ts";
import { freePort } from "#tools/machine/child_process.ts";

const run = promisify(execFile);

let stack: TestStack;
let backend: StaticBackend;
let people = 0;
const next = () => `reader${++people}@example.com`;

/** Serves an empty page of the client's own origin. */
const site = createServer((_request, response) => response.end("<!doctype html><title>Site</title>"));
let origin: string;

beforeAll(async () => {
  const port = await freePort();
  await new Promise<void>((resolve) => site.listen(port, "127.0.0.1", resolve));
  origin = `http://localhost:${port}`;
  const sampled = withSampleClients(app);
  const clients = sampled.clients.flatMap((client) =>
    client.id === ADAPTER_CLIENT_IDS.static_backend ? [{ ...client, origins: [origin] }] : [],
  );
  stack = await startTestStack({ app: { ...app, clients: [...app.clients, ...clients] } });
  backend = await StaticBackend.of(stack);
});
afterAll(async () => {
  site.close();
  await stack[Symbol.asyncDispose]();
});

/** What the programs return: `content` is the parsed answer, or the text of an error. */
interface Outcome {
  ok: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any shape
  content: any;
}

test("@staticbackend/js registers, signs in and reads the user", async () => {
  // The program prints every failure.
  const printed = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const program = new JsBackend(backend.key, backend.url);
  const email = next();
  const { ok, content: token }: Outcome = await program.register(email, "userpw");
  expect([ok, typeof token]).toEqual([true, "string"]);
  expect(await program.login(email, "userpw")).toMatchObject({ ok: true });
  expect(await program.login(email, "wrong!")).toEqual({
    ok: false,
    content: expect.stringMatching(/^The email.*\.$/),
  });
  expect(await program.register(email, "userpw")).toEqual({
    ok: false,
    content: expect.stringMatching(/^invalid email/),
  });
  expect(await program.me(token)).toEqual({
    ok: true,
    content: expect.objectContaining({ email, role: 50 }),
  });
  expect(await program.me("junk")).toMatchObject({ ok: false });
  const stranger = new JsBackend("unknown", backend.url);
  expect(await stranger.login(email, "userpw")).toEqual({
    ok: false,
    content: expect.stringMatching(/public key/),
  });
  printed.mockRestore();
});

test("@staticbackend/backend resets a password and signs in with a link (N4)", async () => {
  const program = new NodeBackend(backend.key, backend.url);
  const email = next();
  expect(await program.register(email, "userpw")).toMatchObject({ ok: true });
  const { content: code }: Outcome = await program.getPasswordResetCode(backend.rootToken, email);
  expect(await program.resetPassword(email, code, "newpw852")).toEqual({ ok: true, content: true });
  expect(await program.login(email, "newpw852")).toMatchObject({ ok: true });
  const link = {
    ...{ fromEmail: "my@app.com", fromName: "My app name", email },
    subject: "Your sign-in link for Our Awesome App",
    body: "<p>Hello there,</p><p>Click here to sign-in<br />[link]</p>",
    link: "https://ourapp.com/magic-custom-url",
  };
  expect(await program.requestMagicLink(link)).toEqual({ ok: true, content: true });
  const mailed = /\?code=(\w+)/.exec(stack.ses.inbox.at(-1)?.text ?? "")?.[1] ?? "";
  const { content: token }: Outcome = await program.loginWithMagicLink(email, mailed);
  expect(await program.me(token)).toMatchObject({ ok: true, content: { email } });
  expect(await program.loginWithMagicLink(email, mailed)).toMatchObject({ ok: false });
});

describe.skipIf(!hasBrowser)("@staticbackend/js in a page of the client's origin", () => {
  test("registers, signs in, and shows the sentence of an error", async () => {
    const script = await readFile(
      createRequire(import.meta.url).resolve("@staticbackend/js/backend"),
      "utf8",
    );
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(origin);
      await page.addScriptTag({ content: script });
      const [email, settings] = [next(), JSON.stringify([backend.key, backend.url])];
      const outcomes = (await page.evaluate(`(async () => {
        const program = new sb.Backend(...${settings});
        const registered = await program.register("${email}", "userpw");
        return [
          registered, await program.login("${email}", "userpw"), await program.me(registered.content),
          await program.login("${email}", "wrong!"), await program.users("junk"),
          await program.removeUser("junk", "user_1"), await program.addUser(registered.content, "page@example.com", "userpw"),
        ];
      })()`)) as Outcome[];
      expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true, false, false, false, true]);
      expect(outcomes.slice(3, 6).map(({ content }) => content)).toEqual([
        "The email address and the password do not sign anyone in.",
        "The session token is missing, invalid or expired.",
        "The session token is missing, invalid or expired.",
      ]);
    } finally {
      await browser.close();
    }
  });
});

describe("the curl lines of the documentation", () => {
  const email = "new@user.com";
  /** Runs a line of the documentation with the URL, the key and the tokens of the stack. */
  async function curl(line: string, replaced: Record<string, string> = {}): Promise<unknown> {
    const all = {
      "https://na1.staticbackend.com": backend.url,
      "your-pub-key": backend.key,
      "root-token": backend.rootToken,
      ...replaced,
    };
    const filled = Object.entries(all).reduce((text, [from, to]) => text.replaceAll(from, to), line);
    const { stdout } = await run("sh", ["-c", filled.replace("curl ", "curl -sS ")]);
    return JSON.parse(stdout);
  }
  const HEADERS = `-H "Content-Type: application/json" -H "SB-PUBLIC-KEY: your-pub-key"`;
  const line = (verb: string, body: string, url: string) =>
    `curl ${HEADERS} -X ${verb} -d '${body}' https://na1.staticbackend.com${url}`;
  const user = `{"email": "${email}", "password": "userpw"}`;

  test("work as they are printed", async () => {
    const token = String(await curl(line("POST", user, "/register")));
    const session = { "session-token-here": token, "user-token": token };
    expect(await curl(line("POST", user, "/login"))).toMatch(/^ey/);
    const bearer = (name: string) => `curl ${HEADERS} -H "Authorization: Bearer ${name}"`;
    const newUser = `{"email": "added@user.com", "password": "userpw"}`;
    const users = "https://na1.staticbackend.com/account/users";
    expect(await curl(`${bearer("user-token")} -X POST -d '${newUser}' ${users}`, session)).toBe(true);
    // The documentation prints DELETE for this line, and the list is its answer.
    const listed = (await curl(`${bearer("user-token")} ${users}`, session)) as {
      id: string;
      email: string;
    }[];
    expect(listed.map(({ email }) => email)).toEqual([email, "added@user.com"]);
    const gone = { ...session, "user-id-to-delete": listed[1]?.id ?? "" };
    expect(await curl(`${bearer("user-token")} -X DELETE ${users}/user-id-to-delete`, gone)).toBe(true);
    const code = await curl(
      `${bearer("root-token")} -X POST -d '{"email": "${email}"}' https://na1.staticbackend.com/password/send`,
    );
    expect(
      await curl(`${bearer("session-token-here")} https://na1.staticbackend.com/me`, session),
    ).toMatchObject({
      ...{ email, role: 50 },
    });
    const reset = `{"email": "${email}", "code": "1234", "password": "newpw852"}`;
    expect(await curl(line("POST", reset, "/password/reset"), { 1234: String(code) })).toBe(true);
    const magic = `{"fromEmail": "my@app.com", "email": "user@email.com", "body": "<p>Click [link]</p>"}`;
    expect(await curl(line("POST", magic, "/login/magic"))).toBe(true);
    expect(stack.ses.inbox.at(-1)?.html).toContain("<p>Click <a");
    const mailed = /\?code=(\w+)/.exec(stack.ses.inbox.at(-1)?.text ?? "")?.[1] ?? "";
    // A shell would take the part of the URL after `&` for another command, so it is quoted.
    const exchange = `curl ${HEADERS} "https://na1.staticbackend.com/login/magic?code=123456&email=user@email.com"`;
    expect(await curl(exchange, { 123456: mailed })).toMatch(/^ey/);
  });
});
