import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";
import { onPath, run } from "#tools/machine/child_process.ts";

const HERE = new URL("./outside/", import.meta.url);
const PINS = ["package.json", "package-lock.json", "requirements.txt"];

/** Programs of others, by which the document is tried. */
export interface Tools {
  /** With `node_modules` of the TypeScript generator. */
  folder: string;
  /** The full path of a Python program. */
  python(program: string): string;
}

/**
 * The pinned tools, installed once into the cache.
 * @throws Error if there is no Python 3, or a registry can't be reached
 */
export async function openTools(say: (line: string) => void): Promise<Tools> {
  const pins = await Promise.all(PINS.map((name) => readFile(new URL(name, HERE))));
  const key = createHash("sha256").update(Buffer.concat(pins)).digest("hex").slice(0, 12);
  const folder = join(cacheDirectory(), `verify-openapi-${key}`);
  if (!existsSync(folder)) {
    say("Installing the pinned generators and schemathesis, once.");
    await install(folder);
  }
  return { folder, python: (program) => join(folder, "venv", "bin", program) };
}

async function install(folder: string): Promise<void> {
  const python = onPath("python3");
  if (!python) throw new Error("Python 3 is needed: schemathesis and a generator are Python programs.");
  // A virtual environment can't be moved, so it is made in its place, and a mark says that all is there.
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
