/**
 * `npm run verify:openapi`: tries the OpenAPI document with programs that know nothing of Nest. Two public generators
 * make clients of it, which sign in against a local stack, and schemathesis looks for an answer that is a 5xx or is not
 * documented. Prints a table; ends with status 0 only if all of it held. `--seed 2` has schemathesis invent other calls.
 */
import { randomBytes } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type LocalStack, startLocalStack } from "#tools/local/stack.ts";
import { run } from "#tools/machine/child_process.ts";
import { openTools, type Tools } from "#tools/openapi/verify/tools.ts";

const HERE = fileURLToPath(new URL("./verify_openapi/outside/", import.meta.url));
const LONGEST_MS = 10 * 60 * 1000;

/** Where one run works. */
interface Work {
  stack: LocalStack;
  tools: Tools;
  folder: string;
  seed: string;
  internalKey: string;
  webhookSecret: string;
  /** What the API's log says it answered: method, status and code. */
  answers: Set<string>;
}

/** Who asks. */
interface Caller {
  authorization: string;
  userId: string;
}

interface Person {
  user_id: string;
  access_token: string;
}

const say = (line: string) => console.log(line);
const newAddress = () => `verify-${randomBytes(4).toString("hex")}@example.com`;

async function typescript({ stack, tools, folder }: Work): Promise<Person> {
  const node = (program: string, ...args: string[]) =>
    run(process.execPath, [join(tools.folder, "node_modules", program), ...args], { cwd: folder });
  await node("openapi-typescript/bin/cli.js", "openapi.json", "-o", "api.d.ts");
  await copyFile(join(HERE, "sign_in.ts"), join(tools.folder, "sign_in.ts"));
  await copyFile(join(folder, "api.d.ts"), join(tools.folder, "api.d.ts"));
  const program = join(tools.folder, "sign_in.ts");
  const strict = ["--noEmit", "--strict", "--skipLibCheck", "--allowImportingTsExtensions"];
  const target = ["--module", "nodenext", "--target", "es2023", "--lib", "es2023,dom"];
  await node("typescript/bin/tsc", ...strict, ...target, program);
  return JSON.parse(await run(process.execPath, [program, stack.url, newAddress()]));
}

async function python({ stack, tools, folder }: Work): Promise<void> {
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
  await run(tools.python("python"), ["sign_in.py", stack.url, newAddress()], { cwd: folder });
}

/** Runs schemathesis over a document. @returns how many calls were made @throws Error with what it found */
async function schemathesis(
  work: Work,
  document: string,
  caller: Caller,
  more: string[] = [],
): Promise<string> {
  const { stack, tools, folder, seed } = work;
  for (const name of ["schemathesis.toml", "hooks.py"]) await copyFile(join(HERE, name), join(folder, name));
  const printed = await run(
    tools.python("schemathesis"),
    [
      ...["--config-file", "schemathesis.toml", "run", document, "--url", stack.url, "--checks", "all"],
      // It wants 401 where no credential came. Ours is `access_denied`, 403: 401 makes the app refresh.
      ...["--exclude-checks", "missing_required_header"],
      ...["--max-examples", "40", "--seed", seed, "--no-color", "--continue-on-failure", "--warnings", "off"],
      ...more,
    ],
    {
      cwd: folder,
      timeoutMs: LONGEST_MS,
      longestWords: 20_000,
      env: {
        ...process.env,
        NEST_AUTHORIZATION: caller.authorization,
        NEST_USER_ID: caller.userId,
        NEST_WEBHOOK_SECRET: work.webhookSecret,
      },
    },
  );
  return `${/(\d+) generated/.exec(printed)?.[1]} calls`;
}

/**
 * That schemathesis can fail: over a document that lacks the answer of one method.
 * @throws Error if it finds nothing
 */
async function seesWhatIsMissing(work: Work, caller: Caller): Promise<void> {
  const path = "/1/2021-10-06/list_news_items";
  const whole = JSON.parse(await readFile(join(work.folder, "openapi.json"), "utf8"));
  delete whole.paths[path].post.responses[200];
  await writeFile(join(work.folder, "lacking.json"), JSON.stringify(whole));
  const found = await schemathesis(work, "lacking.json", caller, ["--include-path", path]).then(
    () => "",
    (error: Error) => error.message,
  );
  if (!/Undocumented status code/.test(found)) throw new Error(`It found nothing:\n${found}`);
}

async function verify(work: Work): Promise<boolean> {
  const rows: { check: string; result: string; seconds: string }[] = [];
  const check = async <Value>(name: string, made: Promise<Value>): Promise<Value | null> => {
    const startedAt = Date.now();
    const [settled] = await Promise.allSettled([made]);
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    if (settled.status === "rejected") {
      console.error(`\n${name}:\n${(settled.reason as Error).message}\n`);
      rows.push({ check: name, result: "FAILED", seconds });
      return null;
    }
    const note = typeof settled.value === "string" ? `, ${settled.value}` : "";
    rows.push({ check: name, result: `held${note}`, seconds });
    return settled.value;
  };
  const person = await check("openapi-typescript: generates, compiles, signs in", typescript(work));
  await check("openapi-python-client: generates, signs in", python(work));
  const { user_id = "user_x", access_token = "none" } = person ?? {};
  const bearer = { authorization: `bearer ${access_token}`, userId: user_id };
  const internal = { authorization: `internal ${work.internalKey}`, userId: user_id };
  await check("schemathesis as a person", schemathesis(work, "openapi.json", bearer));
  await check("schemathesis as a service", schemathesis(work, "openapi.json", internal));
  await check("schemathesis misses what is not documented", seesWhatIsMissing(work, bearer));
  console.table(rows);
  console.log(`${work.answers.size} kinds of answer by method, status and code were met.`);
  return rows.every(({ result }) => result !== "FAILED");
}

const { values } = parseArgs({ options: { seed: { type: "string", default: "1" } } });
const folder = await mkdtemp(join(tmpdir(), "nest-verify-openapi-"));
let stack: LocalStack | null = null;
try {
  const tools = await openTools(say);
  const faults: string[] = [];
  const answers = new Set<string>();
  stack = await startLocalStack({
    port: 0,
    isThrowAway: true,
    say,
    write: (line) => {
      const { level, event, method = "webhook", status, code } = JSON.parse(line);
      if (level === "error") faults.push(line);
      if (event === "call" || event === "webhook") answers.add(`${method} ${status} ${code}`);
    },
  });
  await writeFile(join(folder, "openapi.json"), await (await fetch(`${stack.url}/openapi.json`)).text());
  const status = (await (await fetch(`${stack.url}/dev/status`)).json()) as {
    internal_key: string;
    stripe: { webhook_secret: string };
  };
  const held = await verify({
    stack,
    tools,
    folder,
    seed: values.seed,
    internalKey: status.internal_key,
    webhookSecret: status.stripe.webhook_secret,
    answers,
  });
  for (const line of faults.slice(0, 20)) console.error(line);
  if (!held) process.exitCode = 1;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
}
