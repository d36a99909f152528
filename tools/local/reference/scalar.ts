import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";
import { run } from "#tools/machine/child_process.ts";
import { exclusively } from "#tools/machine/lock.ts";

const PACKAGE = "@scalar/api-reference";
const VERSION = "1.76.0";
/** `npm view @scalar/api-reference@1.76.0 dist.integrity` */
const INTEGRITY =
  "sha512-pjqwnzmA9YK3ZX+IZSICMsywm4qI6HLSngR2py9H6TvFApHHuJjkTAd+gFJfnqJDzJuro8k7ji6JCtJ2U+Byng==";
/** The only file of the package that Nest uses. It has no dependencies. */
const FILE = "package/dist/browser/standalone.js";
const DOWNLOAD_TIMEOUT_MS = 120_000;

const folderPath = () => join(cacheDirectory(), "scalar");
const cachedPath = () => join(folderPath(), `standalone-${VERSION}.js`);

/**
 * Finds Scalar's standalone script in the cache, or downloads its package (13 MB) from the npm registry once.
 * @returns the script's path
 * @throws Error if the package can't be downloaded, or its integrity is not the pinned one
 */
export async function ensureScalar(): Promise<string> {
  const path = cachedPath();
  if (existsSync(path)) return path;
  await mkdir(folderPath(), { recursive: true });
  return exclusively(join(folderPath(), "lock"), async () => {
    if (!existsSync(path)) await download(path);
    return path;
  });
}

async function download(path: string): Promise<void> {
  const folder = await mkdtemp(`${path}-`);
  try {
    const options = { cwd: folder, timeoutMs: DOWNLOAD_TIMEOUT_MS };
    await run(
      "npm",
      ["pack", `${PACKAGE}@${VERSION}`, "--ignore-scripts", "--fetch-retries=0", "--silent"],
      options,
    );
    const archive = `${PACKAGE.replace("@", "").replace("/", "-")}-${VERSION}.tgz`;
    requireIntegrity(await readFile(join(folder, archive)));
    await run("tar", ["-xzf", archive, FILE], options);
    await rename(join(folder, FILE), path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws Error if a package's archive is not the pinned one */
export function requireIntegrity(archive: Buffer): void {
  const integrity = `sha512-${createHash("sha512").update(archive).digest("base64")}`;
  if (integrity !== INTEGRITY) {
    throw new Error(`${PACKAGE}@${VERSION} has another integrity than the pinned one: ${integrity}`);
  }
}
