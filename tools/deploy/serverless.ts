import { spawn } from "node:child_process";
import { copyFile, readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { FUNCTIONS_FOLDER } from "#tools/deploy/package.ts";
import type { StageName } from "#tools/stage/settings.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** The repository's root. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What a run of the framework is about. Paths are absolute or from the root. */
export interface Stack {
  stage: StageName;
  /** The stage file. */
  settings: string;
  /** Which version of each parameter functions read, as JSON; need not be there. */
  versions: string;
  /** Where the packaged stack goes. */
  folder: string;
  /** Where the zips are. */
  functions?: string;
  /** On top of this process's environment. */
  environment?: Readonly<Record<string, string>>;
}

/** The framework failed; what it printed says why. */
export class FrameworkError extends CommandError {}

/** CloudFormation's template, as far as we look into it. */
export interface Template {
  Parameters?: Record<string, { Default?: unknown }>;
  Conditions?: Record<string, unknown>;
  Resources: Record<string, TemplateResource>;
  Outputs?: Record<string, unknown>;
}
export interface TemplateResource {
  Type: string;
  Condition?: string;
  DependsOn?: string | string[];
  // biome-ignore lint/suspicious/noExplicitAny: every type has properties of its own
  Properties: Record<string, any>;
}

const program = (() => {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve("serverless/package.json");
  const { bin } = require(manifest) as { bin: Record<string, string> };
  return join(dirname(manifest), bin.serverless ?? "");
})();

/**
 * Runs the framework and answers all that it printed.
 * @param show also shows it while it runs
 * @throws FrameworkError
 */
export async function serverless(stack: Stack, command: readonly string[], show = false): Promise<string> {
  const args = [
    program,
    ...command,
    `--stage=${stack.stage}`,
    `--param=settings=${stack.settings}`,
    `--param=versions=${stack.versions}`,
    `--param=functions=${stack.functions ?? FUNCTIONS_FOLDER}`,
  ];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, SLS_NOTIFICATIONS_MODE: "off", ...stack.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      if (show) process.stderr.write(chunk);
    });
  }
  const status = await new Promise<number | null>((done, failed) => {
    child.once("error", failed).once("close", done);
  });
  if (status !== 0) throw new FrameworkError(`serverless ${command[0]} failed:\n${printed.trim()}`);
  return printed;
}

/**
 * Packages the stack: the template, and beside it the zips, which the framework then holds against those of the last
 * deployment.
 */
export async function packageStack(stack: Stack): Promise<void> {
  await serverless(stack, ["package", `--package=${stack.folder}`]);
  const zips = resolve(ROOT, stack.functions ?? FUNCTIONS_FOLDER);
  for (const file of await readdir(zips)) {
    if (file.endsWith(".zip")) await copyFile(join(zips, file), join(resolve(ROOT, stack.folder), file));
  }
}

/** The template of a packaged stack. */
export async function readTemplate({ folder }: Pick<Stack, "folder">): Promise<Template> {
  const file = join(resolve(ROOT, folder), "cloudformation-template-update-stack.json");
  return JSON.parse(await readFile(file, "utf8")) as Template;
}

/** When the deployments were made whose files are kept, in epoch ms, oldest first. */
export async function listDeployments(stack: Stack): Promise<number[]> {
  const printed = await serverless(stack, ["deploy", "list"]);
  return [...printed.matchAll(/Timestamp: (\d+)/g)].map(([, timestamp]) => Number(timestamp)).sort();
}

/**
 * Deploys a packaged stack, and shows how it goes.
 * @param isForced also if it is what was deployed last
 * @returns whether anything changed
 */
export async function deployStack(stack: Stack, isForced: boolean): Promise<boolean> {
  const force = isForced ? ["--force"] : [];
  const printed = await serverless(stack, ["deploy", `--package=${stack.folder}`, ...force], true);
  return !/No changes to deploy/.test(printed);
}
