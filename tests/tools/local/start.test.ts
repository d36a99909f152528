import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { MAC } from "#tests/support/nest.ts";
import {
  descendants,
  isAlive,
  type Program,
  runCommand,
  runProgram,
  temporaryFolder,
} from "#tests/support/program.ts";
import { startTcpRelay } from "#tests/support/tcp_relay.ts";
import { serverOf, throughProxy } from "#tools/local/database/uri.ts";
import { startLocalStack } from "#tools/local/stack.ts";
import { freePort, run } from "#tools/machine/child_process.ts";

const START = "tools/local/start.ts";

describe("npm start", () => {
  let program: Program;
  let url: string;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let mongoUri: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    mongoUri = freshDatabaseUri();
    const environment = { PORT: String(await freePort()), NEST_DATA_DIR: folder.path, MONGODB_URI: mongoUri };
    program = runProgram(START, [], environment);
    [, url = ""] = await program.until(/Nest is at (http:\S+)/);
  });
  afterAll(async () => {
    program.process.kill("SIGTERM");
    await program.ended;
    await folder[Symbol.asyncDispose]();
  });

  test("serves the page, the API, and the status for scripts", async () => {
    const page = await fetch(`${url}/`);
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: "ok" });
    const status = (await (await fetch(`${url}/dev/status`)).json()) as { internal_key: string };
    expect(status).toMatchObject({
      ready: true,
      database: { engine: "MongoDB", uri: mongoUri },
      stripe: { mode: "double", url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) },
    });
    const user = await fetch(`${url}/1/2021-10-06/get_user`, {
      method: "POST",
      headers: { authorization: `internal ${status.internal_key}` },
      body: JSON.stringify({ user_id: "user_nobody" }),
    });
    expect(user.status).toBe(404);
    expect(await user.json()).toEqual({ code: "not_found" });
  });

  /** Sends a request with an exact path and Host; fetch would normalize the path and set the Host. */
  const raw = (method: string, path: string, host = new URL(url).host) =>
    new Promise<{ status: number; body: string; requestId: unknown }>((resolve, reject) => {
      const asked = request(url, { method, path, headers: { host } }, (response) => {
        let body = "";
        response.on("data", (chunk) => {
          body += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body, requestId: response.headers["request-id"] }),
        );
      });
      asked.on("error", reject).end();
    });

  test.each([
    [
      "a page whose origin no client has",
      "OPTIONS",
      { origin: "http://localhost:8081" },
      {},
      'blocks the calls of a page at "http://localhost:8081". Add this origin to `origins` of a client in app/beak/app.ts',
    ],
    ["a page that was opened as a file", "OPTIONS", { origin: "null" }, {}, "Serve its folder over HTTP."],
    [
      "a client that the app does not have",
      "POST",
      {},
      { client_id: "nobody" },
      'app/beak/app.ts has no enabled client "nobody". `npm run nest -- clients list` lists',
    ],
    [
      "a redirect URI that the client does not have",
      "POST",
      {},
      { redirect_uri: "https://magic.getbeak.app" },
      `Client "${MAC}" has no redirect URI "https://magic.getbeak.app". Add it to \`redirectUris\` in app/beak/app.ts`,
    ],
  ])("says what to change for %s", async (_case, method, headers, change, hint) => {
    const link = {
      client_id: MAC,
      redirect_uri: "https://magic.getbeak.app/",
      state: "s",
      code_challenge_method: "S256",
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      identifier_type: "email",
      identifier_value: "ada@example.com",
      ...change,
    };
    const body = method === "POST" ? { body: JSON.stringify(link) } : {};
    for (let time = 0; time < 2; time++)
      await fetch(`${url}/1/2026-12-01/send_magic_link`, { method, headers, ...body });
    await program.until(new RegExp(hint.replaceAll(/[.?[\]()]/g, "\\$&")));
    expect(program.printed().split(hint)).toHaveLength(2);
  });

  test("lets no other site frame a page, run a script in it, or read a response as another type", async () => {
    for (const path of ["/", "/docs", "/magic-link", "/guide/docs/README.md"]) {
      const policy = (await fetch(`${url}${path}`)).headers.get("content-security-policy");
      expect(policy, path).toContain("frame-ancestors 'none'");
      expect(policy, path).toContain("script-src 'self';");
    }
    for (const path of ["/", "/dev/status", "/dev/inbox", "/client.js"])
      expect((await fetch(`${url}${path}`)).headers.get("x-content-type-options"), path).toBe("nosniff");
  });

  test("serves requests whose Host is a loopback name", async () => {
    const { port } = new URL(url);
    for (const host of [`localhost:${port}`, `LOCALHOST:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`])
      expect((await raw("GET", "/health", host)).status, host).toBe(200);
  });

  test("rejects requests with any other Host, which prevents DNS rebinding", async () => {
    const { port } = new URL(url);
    for (const host of [`rebound.example:${port}`, "localhost:1", "localhost", `localhost:${port}.evil`]) {
      for (const path of ["/", "/dev/status", "/health", "/assets/main.js", "/1/2021-10-06/get_user"]) {
        const { status, body } = await raw("GET", path, host);
        expect({ status, body }, `${host} ${path}`).toEqual({
          status: 403,
          body: '{"code":"access_denied"}',
        });
      }
    }
  });

  test.each([
    ["GET", "//1/2020-12-14/list_news_items", 404, "not_found"],
    ["POST", "//health", 404, "not_found"],
    ["GET", "/1/2020-12-14/../../health", 405, "method_not_supported"],
    ["POST", "/1/2020-12-14/../../health", 404, "not_found"],
    ["GET", "/./health", 404, "not_found"],
    ["GET", "/%68ealth", 404, "not_found"],
    ["GET", "http://[/", 404, "not_found"],
    ["OPTIONS", "*", 404, "not_found"],
  ])("does not normalize a path: %s %s", async (method, path, status, code) => {
    const answer = await raw(method, path);
    expect({ status: answer.status, code: JSON.parse(answer.body).code }).toEqual({ status, code });
    expect(answer.requestId).toBeTruthy();
  });

  test("returns 413 for a body over 10 MB as API Gateway does, and keeps running", async () => {
    const tooLarge = await fetch(`${url}/1/2020-12-14/list_news_items`, {
      method: "POST",
      body: Buffer.alloc(11 * 1024 * 1024, 0x61),
    });
    expect(tooLarge.status).toBe(413);
    expect(await tooLarge.json()).toEqual({ message: "Request Too Long" });
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  test("uses the Stripe double when STRIPE_SECRET_KEY is not set", async () => {
    const { stripe } = (await (await fetch(`${url}/dev/status`)).json()) as { stripe: { url: string } };
    expect(stripe).toEqual({
      mode: "double",
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      secret_key: "sk_test_double",
      webhook_secret: "whsec_double",
    });
    expect(program.printed()).toContain("Stripe: the double on this machine");
  });

  test.concurrent("fails with one line when another program listens on PORT", async () => {
    await using other = await temporaryFolder();
    const taken = runProgram(START, [], {
      PORT: new URL(url).port,
      NEST_DATA_DIR: other.path,
      MONGODB_URI: mongoUri,
    });
    const { status, printed } = await taken.ended;
    expect(status).toBe(1);
    expect(printed.trim()).toBe(
      `Port ${new URL(url).port} is in use by another program. Choose another port: PORT=3001 npm start`,
    );
  });

  test.concurrent("fails when another stack uses the same data folder", async () => {
    const second = runProgram(START, [], {
      PORT: String(await freePort()),
      NEST_DATA_DIR: folder.path,
      MONGODB_URI: mongoUri,
    });
    const { status, printed } = await second.ended;
    expect({ status, printed: printed.trim() }).toEqual({
      status: 1,
      printed:
        "Another `npm start` uses the local data. Stop it first, or set NEST_DATA_DIR to another folder.",
    });
  });

  test.concurrent("fails with one line when no database responds at MONGODB_URI", async () => {
    await using other = await temporaryFolder();
    const port = await freePort();
    const lost = runProgram(START, [], {
      PORT: "0",
      NEST_DATA_DIR: other.path,
      MONGODB_URI: `mongodb://127.0.0.1:${port}/?serverSelectionTimeoutMS=300`,
    });
    const { status, printed } = await lost.ended;
    expect({ status, printed: printed.trim() }).toEqual({
      status: 1,
      printed: "No database responds at MONGODB_URI. Start it, or unset MONGODB_URI to let Nest find one.",
    });
  });

  test("runs the quickstart of the README, which signs in", async () => {
    const readme = await readFile(new URL("../../../README.md", import.meta.url), "utf8");
    const [, script = ""] = /```sh\n([\s\S]*?)```/.exec(readme) ?? [];
    expect(script).toContain("localhost:3000");
    const printed = await run("bash", ["-euc", script.replaceAll("localhost:3000", new URL(url).host)]);
    expect(JSON.parse(printed)).toMatchObject({ token_type: "bearer", expires_in: 3600 });
  });

  test("runs the program of docs/start.md, which signs in with the built client", async () => {
    expect((await runProgram("tools/operator/nest.ts", ["clients", "build"]).ended).status).toBe(0);
    const page = await readFile(new URL("../../../docs/start.md", import.meta.url), "utf8");
    const [, program = ""] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
    const here = program.replace("http://localhost:3000", url);
    const { status, printed } = await runProgram("--input-type=module", ["-e", here]).ended;
    expect({ status, printed }).toEqual({
      status: 0,
      printed: expect.stringMatching(/^user_\w+ \{\n {2}id: 'user_/),
    });
  });
});

test("uses settings from the shell, and prints the names of used and ignored settings", async () => {
  await using folder = await temporaryFolder();
  const program = runProgram(START, [], {
    PORT: "0",
    NEST_DATA_DIR: folder.path,
    MONGODB_URI: freshDatabaseUri(),
    DESKTOP_ACCESS_TOKEN_LIFETIME: "864000",
    LIMIT_LINKS_PER_ADDRESS: "7",
    TRIAL_DAYS: "7",
    ISSUER: "https://nest.example",
    RATE_LIMIT_KEY: "a secret of another deployment!!",
    STRIPE_PRICE_ID: "price_other",
  });
  const [, url = ""] = await program.until(/Nest is at (http:\S+)/);
  expect(program.printed()).toContain(
    "Settings from your environment: LIMIT_LINKS_PER_ADDRESS, TRIAL_DAYS\n",
  );
  expect(program.printed()).toContain(
    "Ignored in your environment: DESKTOP_ACCESS_TOKEN_LIFETIME, because it is now `clients[].accessTokenLifetimeSeconds` of the app file (docs/your_app.md)\n",
  );
  expect(program.printed()).toContain(
    "Ignored in your environment, because the local stack sets its own: ISSUER, RATE_LIMIT_KEY, STRIPE_PRICE_ID\n",
  );
  const readme = await readFile(new URL("../../../README.md", import.meta.url), "utf8");
  const [, script = ""] = /```sh\n([\s\S]*?)```/.exec(readme) ?? [];
  const printed = await run("bash", ["-euc", script.replaceAll("localhost:3000", new URL(url).host)]);
  expect(JSON.parse(printed)).toMatchObject({ expires_in: 3600 });
  program.process.kill("SIGTERM");
  await program.ended;
});

test("fails with one line when a setting is invalid", async () => {
  await using folder = await temporaryFolder();
  const program = runProgram(START, [], {
    PORT: "0",
    NEST_DATA_DIR: folder.path,
    MONGODB_URI: freshDatabaseUri(),
    TRIAL_DAYS: "0",
  });
  const { status, printed } = await program.ended;
  expect({ status, printed: printed.trim() }).toEqual({
    status: 1,
    printed: "Missing or unusable environment variables: TRIAL_DAYS. See .env.example.",
  });
});

test("stops the parts that started when a signal arrives during the start", async () => {
  await using folder = await temporaryFolder();
  const relay = await startTcpRelay(serverOf(inject("mongoUri")));
  relay.hang();
  const program = runProgram(START, [], {
    PORT: "0",
    NEST_DATA_DIR: folder.path,
    MONGODB_URI: throughProxy(freshDatabaseUri(), relay.port),
  });
  const lock = `${folder.path}.lock`;
  await vi.waitFor(() => expect(existsSync(lock)).toBe(true), { timeout: 60_000 });
  for (const signal of ["SIGTERM", "SIGINT", "SIGTERM"] as const) program.process.kill(signal);
  relay.open();
  const { status, printed } = await program.ended;
  await relay.close();
  expect({ status, printed: printed.trim() }).toEqual({
    status: 0,
    printed: "Stopping once the start has finished.",
  });
  expect(existsSync(lock)).toBe(false);
});

describe.skipIf(process.platform !== "linux")("npm start, run by npm", { concurrent: true }, () => {
  const gone = (pids: number[]) =>
    vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 60_000 });
  // With a database of its own the stack starts processes, which must end as well.
  const database = process.env.MONGODB_URI ? "shared" : "own";

  test.each(["SIGTERM", "SIGKILL", "SIGHUP"] as const)(
    `ends with all its processes when npm receives %s (${database} database)`,
    async (signal) => {
      await using folder = await temporaryFolder();
      const npm = runCommand("npm", ["start"], {
        PORT: "0",
        NEST_DATA_DIR: folder.path,
        MONGODB_URI: database === "own" ? "" : freshDatabaseUri(),
      });
      await npm.until(/Nest is at/);
      const processes = await descendants(npm.process.pid ?? 0);
      expect(processes.length).toBeGreaterThan(0);
      npm.process.kill(signal);
      await gone(processes);
      expect(existsSync(`${folder.path}.lock`)).toBe(false);
    },
  );

  test("ends when the program that reads its output ends", async () => {
    await using folder = await temporaryFolder();
    const program = runProgram(START, [], {
      PORT: "0",
      NEST_DATA_DIR: folder.path,
      MONGODB_URI: freshDatabaseUri(),
    });
    const [, own = ""] = await program.until(/Nest is at (http:\S+)/);
    program.process.stdout?.destroy();
    program.process.stderr?.destroy();
    // Each call writes a log line.
    await fetch(`${own}/1/2020-12-14/nope`, { method: "POST" }).catch(() => undefined);
    expect((await program.ended).status).toBe(0);
    expect(existsSync(`${folder.path}.lock`)).toBe(false);
  });
});

test("drops the database of a throwaway stack when the stack closes", async () => {
  vi.stubEnv("MONGODB_URI", inject("mongoUri"));
  const client = await MongoClient.connect(inject("mongoUri"));
  const throwaway = async () => {
    const { databases } = await client.db().admin().listDatabases();
    return databases.map(({ name }) => name).filter((name) => /^nest-[0-9a-f]{12}$/.test(name));
  };
  const before = await throwaway();
  const ignore = () => undefined;
  const stack = await startLocalStack({ port: 0, isThrowAway: true, say: ignore, write: ignore });
  const created = (await throwaway()).filter((name) => !before.includes(name));
  expect(created).toHaveLength(1);
  await stack.close();
  expect(await throwaway()).not.toContain(created[0]);
  await client.close();
  vi.unstubAllEnvs();
});

// `npm start` has child processes only when it starts a database. The tests mostly wait, so they run concurrently.
describe.skipIf(process.platform !== "linux" || Boolean(process.env.MONGODB_URI))(
  "the child processes of npm start",
  { concurrent: true },
  () => {
    const startOwn = async (path: string) => {
      const program = runProgram(START, [], {
        PORT: String(await freePort()),
        NEST_DATA_DIR: path,
        MONGODB_URI: "",
      });
      await program.until(/Nest is at/);
      const children = await descendants(program.process.pid ?? 0);
      expect(children.length).toBeGreaterThan(0);
      return { program, children };
    };
    const gone = (children: number[]) =>
      vi.waitFor(() => expect(children.filter(isAlive)).toEqual([]), { timeout: 60_000 });

    test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("end when npm start receives %s", async (signal) => {
      await using folder = await temporaryFolder();
      const { program, children } = await startOwn(folder.path);
      program.process.kill(signal);
      expect((await program.ended).status).toBe(0);
      await gone(children);
    });

    test("end when npm start is killed, and the next start uses the same data", async () => {
      await using folder = await temporaryFolder();
      const first = await startOwn(folder.path);
      first.program.process.kill("SIGKILL");
      await gone(first.children);
      const second = await startOwn(folder.path);
      second.program.process.kill("SIGTERM");
      expect((await second.program.ended).status).toBe(0);
    });

    test("stop npm start with one line when the database is killed", async () => {
      await using folder = await temporaryFolder();
      const { program, children } = await startOwn(folder.path);
      const commands = await Promise.all(
        // A short-lived child may have ended meanwhile.
        children.map(async (pid) => ({
          pid,
          command: await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""),
        })),
      );
      const server = commands.find(({ command }) => /ferretdb-|mongod/.test(command.split("\0")[0] ?? ""));
      process.kill(server?.pid ?? 0, "SIGKILL");
      const { status, printed } = await program.ended;
      expect(status).toBe(1);
      expect(printed).toMatch(
        /The database \(.+\) ended unexpectedly\. The rest of the stack is stopped too\./,
      );
      await gone(children);
    });
  },
);
