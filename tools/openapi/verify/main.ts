/**
 * `npm run verify:openapi`: tests the OpenAPI document with third-party tools. Two client generators read it, and the
 * generated clients sign in to a local stack; one also buys a plan. schemathesis sends random calls and fails on any 5xx or
 * undocumented response. Prints a table and exits with status 1 if a check failed. `--seed 2` makes schemathesis send other
 * calls.
 */

import { randomBytes } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import app from "#app";
import { type LocalStack, startLocalStack } from "#tools/local/stack.ts";
import { run } from "#tools/machine/child_process.ts";
import { openTools, type Tools } from "#tools/openapi/verify/tools.ts";
import { sampleClient } from "#tools/stage/sample_client.ts";

const HERE = fileURLToPath(new URL("./outside/", import.meta.url));
const LONGEST_MS = 10 * 60 * 1000;

/** The state of one run. */
interface Run {
  stack: LocalStack;
  tools: Tools;
  /** Temporary; holds `openapi.json` and the generated clients. */
  folder: string;
  seed: string;
  internalKey: string;
  webhookSecret: string;
  /** Every method, status and code that the API's log has. */
  responses: Set<string>;
}

/** The credential that schemathesis sends, and the user that it acts on. */
interface Caller {
  authorization: string;
  userId: string;
}

interface SignedIn {
  user_id: string;
  access_token: string;
}

const print = (line: string) => console.log(line);
/** The client that the programs sign in with, as their last two arguments. */
const CLIENT = Object.values(sampleClient(app));
const newAddress = () => `verify-${randomBytes(4).toString("hex")}@example.com`;

/** Generates the TypeScript client, compiles a program against it, and signs in and buys a plan with it. */
async function signInWithTypescript({ stack, tools, folder }: Run): Promise<SignedIn> {
  const node = (program: string, ...args: string[]) =>
    run(process.execPath, [join(tools.folder, "node_modules", program), ...args], { cwd: folder });
  await node("openapi-typescript/bin/cli.js", "openapi.json", "-o", "api.d.ts");
  await copyFile(join(HERE, "sign_in.ts"), join(tools.folder, "sign_in.ts"));
  await copyFile(join(folder, "api.d.ts"), join(tools.folder, "api.d.ts"));
  const program = join(tools.folder, "sign_in.ts");
  const strict = ["--noEmit", "--strict", "--skipLibCheck", "--allowImportingTsExtensions"];
  const target = ["--module", "nodenext", "--target", "es2023", "--lib", "es2023,dom"];
  await node("typescript/bin/tsc", ...strict, ...target, program);
  return JSON.parse(await run(process.execPath, [program, stack.url, newAddress(), ...CLIENT]));
}

/** Generates the Python client and signs in with it. */
async function signInWithPython({ stack, tools, folder }: Run): Promise<void> {
  await writeFile(join(folder, "generator.yaml"), "post_hooks: []\n");
  await run(
    tools.python("openapi-python-client"),
    [
      ...["generate", "--path", "openapi.json", "--config", "generator.yaml", "--meta", "none"],
      ...["--output-path", "nest_client", "--fail-on-warning"],
    ],
    { cwd: folder },
  );
  await copyFile(join(HERE, "sign_in.py"), join(folder, "sign_in.py"));
  await run(tools.python("python"), ["sign_in.py", stack.url, newAddress(), ...CLIENT], { cwd: folder });
}

/** Methods that end the caller's own session, in any version: no later call with the same bearer token would be accepted. */
const ENDS_OWN_SESSION = ["revoke_session", "revoke_all_sessions", "delete_user", "remove_account_user"];

/**
 * Runs schemathesis over a document.
 * @param more additional arguments
 * @returns the number of calls, for the table
 * @throws Error with the output of schemathesis if it found a problem
 */
async function schemathesis(
  context: Run,
  document: string,
  caller: Caller,
  more: string[] = [],
): Promise<string> {
  const { stack, tools, folder, seed } = context;
  for (const name of ["schemathesis.toml", "hooks.py"]) await copyFile(join(HERE, name), join(folder, name));
  const printed = await run(
    tools.python("schemathesis"),
    [
      ...["--config-file", "schemathesis.toml", "run", document, "--url", stack.url, "--checks", "all"],
      // This check expects 401 without a credential. Nest returns 403 `access_denied`, since 401 makes the app refresh its token.
      // `ignored_auth` sends the configured credential again, where a method has only one security scheme, and then expects a
      // refusal. tests/attacks/crossing.test.ts calls every method of a user without a credential.
      ...["--exclude-checks", "missing_required_header,ignored_auth"],
      ...["--max-examples", "40", "--seed", seed, "--no-color", "--continue-on-failure", "--warnings", "off"],
      ...more,
    ],
    {
      cwd: folder,
      timeoutMs: LONGEST_MS,
      errorLength: 20_000,
      env: {
        ...process.env,
        NEST_AUTHORIZATION: caller.authorization,
        NEST_USER_ID: caller.userId,
        ...{ NEST_CLIENT_ID: CLIENT[0], NEST_REDIRECT_URI: CLIENT[1] },
        NEST_WEBHOOK_SECRET: context.webhookSecret,
      },
    },
  );
  return `${/(\d+) generated/.exec(printed)?.[1]} calls`;
}

/**
 * Checks that schemathesis can fail: runs it on a document without the 200 of one method.
 * @throws Error if schemathesis finds nothing
 */
async function checkSchemathesisCanFail(context: Run, caller: Caller): Promise<void> {
  const path = "/1/2021-10-06/list_news_items";
  const whole = JSON.parse(await readFile(join(context.folder, "openapi.json"), "utf8"));
  delete whole.paths[path].post.responses[200];
  await writeFile(join(context.folder, "incomplete.json"), JSON.stringify(whole));
  const output = await schemathesis(context, "incomplete.json", caller, ["--include-path", path]).then(
    () => "",
    (error: Error) => error.message,
  );
  if (!/Undocumented status code/.test(output))
    throw new Error(`schemathesis did not report the missing response:\n${output}`);
}

/** Runs checks one after another and collects the rows of the printed table. */
class Checks {
  readonly rows: { check: string; result: string; seconds: string }[] = [];

  /** @returns what the check returned, or null if it failed */
  async run<Value>(name: string, started: Promise<Value>): Promise<Value | null> {
    const startedAt = Date.now();
    const [settled] = await Promise.allSettled([started]);
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    if (settled.status === "rejected") {
      console.error(`\n${name}:\n${(settled.reason as Error).message}\n`);
      this.rows.push({ check: name, result: "FAILED", seconds });
      return null;
    }
    const note = typeof settled.value === "string" ? `, ${settled.value}` : "";
    this.rows.push({ check: name, result: `passed${note}`, seconds });
    return settled.value;
  }
}

/** @returns whether every check passed */
async function verify(context: Run): Promise<boolean> {
  const checks = new Checks();
  const user = await checks.run(
    "openapi-typescript: generates, compiles, signs in, buys a plan",
    signInWithTypescript(context),
  );
  await checks.run("openapi-python-client: generates, signs in", signInWithPython(context));
  const { user_id = "user_x", access_token = "none" } = user ?? {};
  const bearer = { authorization: `bearer ${access_token}`, userId: user_id };
  const internal = { authorization: `internal ${context.internalKey}`, userId: user_id };
  const withoutEnds = ["--exclude-path-regex", `/(${ENDS_OWN_SESSION.join("|")})$`];
  await checks.run(
    "schemathesis with a bearer token",
    schemathesis(context, "openapi.json", bearer, withoutEnds),
  );
  await checks.run("schemathesis reports a missing response", checkSchemathesisCanFail(context, bearer));
  // It ends the session of the bearer token, so it is the last.
  await checks.run("schemathesis with an internal key", schemathesis(context, "openapi.json", internal));
  console.table(checks.rows);
  console.log(`The API returned ${context.responses.size} distinct combinations of method, status and code.`);
  return checks.rows.every(({ result }) => result !== "FAILED");
}

/** Starts a temporary local stack that records its responses and its error lines. */
async function startRecordedStack(responses: Set<string>, errorLines: string[]): Promise<LocalStack> {
  return startLocalStack({
    port: 0,
    isThrowAway: true,
    say: print,
    write: (line) => {
      const { level, event, method = "webhook", status, code } = JSON.parse(line);
      if (level === "error") errorLines.push(line);
      if (event === "call" || event === "webhook") responses.add(`${method} ${status} ${code}`);
    },
  });
}

const { values } = parseArgs({ options: { seed: { type: "string", default: "1" } } });
const folder = await mkdtemp(join(tmpdir(), "nest-verify-openapi-"));
let stack: LocalStack | null = null;
try {
  const tools = await openTools(print);
  const errorLines: string[] = [];
  const responses = new Set<string>();
  stack = await startRecordedStack(responses, errorLines);
  await writeFile(join(folder, "openapi.json"), await (await fetch(`${stack.url}/openapi.json`)).text());
  const status = (await (await fetch(`${stack.url}/dev/status`)).json()) as {
    internal_key: string;
    stripe: { webhook_secret: string };
  };
  const passed = await verify({
    stack,
    tools,
    folder,
    seed: values.seed,
    internalKey: status.internal_key,
    webhookSecret: status.stripe.webhook_secret,
    responses,
  });
  for (const line of errorLines.slice(0, 20)) console.error(line);
  if (!passed) process.exitCode = 1;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
}
