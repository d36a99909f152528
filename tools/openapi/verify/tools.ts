import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";
import { onPath, run } from "#tools/machine/child_process.ts";

const HERE = new URL("./outside/", import.meta.url);
const PINS = ["package.json", "package-lock.json", "requirements.txt"];

/** The third-party tools that test the document. */
export interface Tools {
  /** Contains `node_modules` with the TypeScript generator. */
  folder: string;
  /** The path of a program in the Python virtual environment. */
  python(program: string): string;
}

/**
 * Opens the pinned tools. Installs them into the cache folder on first use.
 * @param say prints progress
 * @throws Error if Python 3 is not installed, or a package registry is unreachable
 */
export async function openTools(say: (line: string) => void): Promise<Tools> {
  const pins = await Promise.all(PINS.map((name) => readFile(new URL(name, HERE))));
  const key = createHash("sha256").update(Buffer.concat(pins)).digest("hex").slice(0, 12);
  const folder = join(cacheDirectory(), `verify-openapi-${key}`);
  if (!existsSync(folder)) {
    say("Installing the client generators and schemathesis (first run only).");
    await install(folder);
  }
  return { folder, python: (program) => join(folder, "venv", "bin", program) };
}

async function install(folder: string): Promise<void> {
  const python = onPath("python3");
  if (!python)
    throw new Error(
      "python3 is not on PATH. Install Python 3: schemathesis and one client generator are Python programs.",
    );
  // A virtual environment cannot be moved, so it is created in its final folder, which is removed if that fails.
  await rm(`${folder}.part`, { recursive: true, force: true });
  await mkdir(`${folder}.part`, { recursive: true });
  for (const name of PINS) await copyFile(new URL(name, HERE), join(`${folder}.part`, name));
  await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: `${folder}.part` });
  await rename(`${folder}.part`, folder);
  try {
    await run(python, ["-m", "venv", join(folder, "venv")]);
    const pip = join(folder, "venv", "bin", "pip");
    await run(pip, ["install", "--quiet", "--no-deps", "-r", join(folder, "requirements.txt")]);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
