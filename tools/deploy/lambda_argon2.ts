import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";

/** The package with the add-on for Lambda: Linux with glibc on arm64, as serverless.yml says. */
const PACKAGE = "@node-rs/argon2-linux-arm64-gnu";
const FILE = "argon2.linux-arm64-gnu.node";
const LOCK_FILE = new URL("../../package-lock.json", import.meta.url);

interface Locked {
  version: string;
  integrity: string;
}

/**
 * Returns the add-on for Lambda. npm does not install it on other machines, so it is fetched once, in a folder of its own:
 * in the project, npm would also replace esbuild by that of the other processor. npm compares the package with the integrity
 * of the project's lock file.
 * @throws Error if the registry can't be reached, or the package differs from the locked one
 */
export async function lambdaArgon2(): Promise<Uint8Array> {
  const lock = JSON.parse(await readFile(LOCK_FILE, "utf8")) as { packages: Record<string, Locked> };
  const locked = lock.packages[`node_modules/${PACKAGE}`];
  if (!locked) throw new Error(`package-lock.json has no ${PACKAGE}. Run \`npm install\`.`);
  const cached = join(cacheDirectory(), `argon2-${locked.version}-${digestOf(locked)}.node`);
  const found = await readFile(cached).catch(() => null);
  if (found) return found;
  await mkdir(cacheDirectory(), { recursive: true });
  const folder = await mkdtemp(join(cacheDirectory(), "argon2-"));
  try {
    await install(folder, locked);
    // Renamed in one step, so that a concurrent run never reads half a file.
    await rename(join(folder, "node_modules", PACKAGE, FILE), cached);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return readFile(cached);
}

/** Part of the integrity, as part of a file name: another package of the same version is fetched again. */
const digestOf = ({ integrity }: Locked) => integrity.replace(/[^A-Za-z0-9]/g, "").slice(-12);

async function install(folder: string, locked: Locked): Promise<void> {
  const root = { name: "argon2", version: "0.0.0", dependencies: { [PACKAGE]: locked.version } };
  const { version, integrity } = locked;
  const packages = { "": root, [`node_modules/${PACKAGE}`]: { version, integrity } };
  const lock = { ...root, lockfileVersion: 3, requires: true, packages };
  await writeFile(join(folder, "package.json"), JSON.stringify(root));
  await writeFile(join(folder, "package-lock.json"), JSON.stringify(lock));
  const machine = ["--cpu=arm64", "--os=linux", "--libc=glibc"];
  execFileSync("npm", ["ci", ...machine, "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
}
