import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import Stripe from "stripe";
import { stripeRoutes } from "#stripe_double/stripe_routes.ts";
import { generateSchema } from "#tests/support/stripe_schema/generate.ts";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";

const HERE = new URL("./", import.meta.url);

/**
 * Generates the schema of the double's operations, unless it is in the cache. The name of the cached file contains the SDK's
 * version and a hash of the operations and the generator's code.
 * @returns the path of the file
 */
export async function ensureSchema(): Promise<string> {
  const names = stripeRoutes({ base: "", returnUrl: null }).map(({ method, path }) => `${method} ${path}`);
  const folder = join(cacheDirectory(), "stripe_schema");
  const path = join(folder, `${Stripe.PACKAGE_VERSION}-${await fingerprint(names)}.json`);
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  // Without a lock: if two processes generate the schema at once, they rename equal files to the same path.
  const part = `${path}.${process.pid}.part`;
  await writeFile(part, JSON.stringify(generateSchema(names)));
  await rename(part, path);
  return path;
}

async function fingerprint(names: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(names));
  for (const file of (await readdir(HERE)).sort()) hash.update(await readFile(new URL(file, HERE)));
  return hash.digest("hex").slice(0, 16);
}
