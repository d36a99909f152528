import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ROOT } from "#tools/deploy/root.ts";
import type { StageName } from "#tools/stage/settings.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** The framework failed. The message contains its output. */
export class FrameworkError extends CommandError {}

/** The stage and the folder that a command of the framework works on. */
export interface FrameworkOptions {
  stage: StageName;
  /** The path of the stage file; the committed one if undefined. */
  settings?: string | undefined;
  /** The folder of serverless.yml; the root of the repository if undefined. */
  folder?: string;
  /** Also shows what the framework prints while it runs. */
  isShown?: boolean;
  /** Variables in addition to those of this process. */
  environment?: Readonly<Record<string, string>>;
}

const program = (() => {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve("serverless/package.json");
  const { bin } = require(manifest) as { bin: Record<string, string> };
  return join(dirname(manifest), bin.serverless ?? "");
})();

/**
 * Runs a command of the framework.
 * @param command such as `["print", "--format=json"]`
 * @returns what it printed to standard output
 * @throws FrameworkError
 */
export async function serverless(
  command: readonly string[],
  { stage, settings, folder = ROOT, isShown = false, environment = {} }: FrameworkOptions,
): Promise<string> {
  const args = [program, ...command, `--stage=${stage}`, ...(settings ? [`--settings=${settings}`] : [])];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, SLS_NOTIFICATIONS_MODE: "off", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed = { stdout: "", both: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    printed.stdout += chunk.toString();
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      printed.both += chunk.toString();
      if (isShown) process.stderr.write(chunk);
    });
  }
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  if (status !== 0) throw new FrameworkError(`\`serverless ${command[0]}\` failed:\n${printed.both.trim()}`);
  return printed.stdout;
}
