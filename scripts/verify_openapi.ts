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
import { run } from "#local/child_process.ts";
import { type LocalStack, startLocalStack } from "#local/stack.ts";
import { openTools, type Tools } from "#scripts/verify_openapi/tools.ts";

const HERE = fileURLToPath(new URL("./verify_openapi/outside/", import.meta.url));
const LONGEST_MS = 10 * 60 * 1000;

/** Where one run works. */
interface Work {
  stack: LocalStack;
  tools: Tools;
  folder: string;
  seed: string;
  internalKey: string;
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
  const strict = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--skipLibCheck"];
  const program = join(tools.folder, "sign_in.ts");
  await node(
    "typescript/bin/tsc",
    ...strict,
    "--lib",
    "es2023,dom",
    "--types",
    "",
    "--allowImportingTsExtensions",
    program,
  );
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

/** @returns how many calls were made */
async function schemathesis(work: Work, authorization: string, userId: string): Promise<string> {
  const { stack, tools, folder, seed } = work;
  for (const name of ["schemathesis.toml", "hooks.py"]) await copyFile(join(HERE, name), join(folder, name));
  const printed = await run(
    tools.python("schemathesis"),
    [
      ...["--config-file", "schemathesis.toml", "run", `${stack.url}/openapi.json`, "--checks", "all"],
      ...["--max-examples", "60", "--seed", seed, "--no-color", "--continue-on-failure", "--warnings", "off"],
    ],
    {
      cwd: folder,
      timeoutMs: LONGEST_MS,
      env: { ...process.env, NEST_AUTHORIZATION: authorization, NEST_USER_ID: userId },
    },
  );
  return /(\d+) generated/.exec(printed)?.[0] ?? "";
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
  await check("schemathesis as a person", schemathesis(work, `bearer ${access_token}`, user_id));
  await check("schemathesis as a service", schemathesis(work, `internal ${work.internalKey}`, user_id));
  console.table(rows);
  return rows.every(({ result }) => result !== "FAILED");
}

const { values } = parseArgs({ options: { seed: { type: "string", default: "1" } } });
const folder = await mkdtemp(join(tmpdir(), "nest-verify-openapi-"));
let stack: LocalStack | null = null;
try {
  const tools = await openTools(say);
  const faults: string[] = [];
  stack = await startLocalStack({
    port: 0,
    isThrowAway: true,
    say,
    write: (line) => line.includes('"level":"error"') && faults.push(line),
  });
  await writeFile(join(folder, "openapi.json"), await (await fetch(`${stack.url}/openapi.json`)).text());
  const { internal_key } = (await (await fetch(`${stack.url}/dev/status`)).json()) as {
    internal_key: string;
  };
  const held = await verify({ stack, tools, folder, seed: values.seed, internalKey: internal_key });
  for (const line of faults.slice(0, 20)) console.error(line);
  if (!held) process.exitCode = 1;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
}
