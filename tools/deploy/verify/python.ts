import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";
import { onPath, run } from "#tools/machine/child_process.ts";
import { exclusively } from "#tools/machine/lock.ts";
import { CommandError } from "#tools/terminal/errors.ts";

const REQUIREMENTS = fileURLToPath(new URL("./requirements.txt", import.meta.url));

/**
 * Returns the folder of programs of a Python environment with cfn-lint and moto. Installs it into the cache at first use.
 * @param signal ends the installation
 * @throws CommandError if there is no Python
 */
export async function pythonTools(say: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const python = onPath("python3");
  if (!python)
    throw new CommandError(
      "There is no python3 on PATH. cfn-lint and moto need it: install Python 3 and run this again.",
    );
  const version = (await run(python, ["--version"])).trim();
  const contents = `${version}\n${await readFile(REQUIREMENTS, "utf8")}`;
  const key = createHash("sha256").update(contents).digest("hex").slice(0, 12);
  const folder = join(cacheDirectory(), `verify-deploy-${key}`);
  await mkdir(cacheDirectory(), { recursive: true });
  await exclusively(folder, async () => {
    const marker = join(folder, "complete");
    if (existsSync(marker)) return;
    say("installing cfn-lint and moto into the cache (once)");
    await rm(folder, { recursive: true, force: true });
    await run(python, ["-m", "venv", folder]);
    await run(join(folder, "bin", "pip"), ["install", "--quiet", "--requirement", REQUIREMENTS], {
      timeoutMs: 10 * 60_000,
      signal,
    });
    await writeFile(marker, contents);
  });
  return join(folder, "bin");
}
