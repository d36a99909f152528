import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import Stripe from "stripe";
import { stripeRoutes } from "#stripe_double/stripe_routes.ts";
import { generateSchema } from "#tests/support/stripe_schema/generate.ts";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";
import { exclusively } from "#tools/machine/lock.ts";

const HERE = new URL("./", import.meta.url);

/**
 * The schema of the double's operations, made where it is not yet in the cache. Its name holds the SDK's version, the
 * operations and the generator's own code, so it is always in step.
 * @returns its path
 */
export async function ensureSchema(): Promise<string> {
  const names = stripeRoutes({ base: "", returnUrl: null }).map(({ method, path }) => `${method} ${path}`);
  const folder = join(cacheDirectory(), "stripe_schema");
  const path = join(folder, `${Stripe.PACKAGE_VERSION}-${await fingerprint(names)}.json`);
  await mkdir(folder, { recursive: true });
  await exclusively(join(folder, "lock"), async () => {
    if (existsSync(path)) return;
    await writeFile(`${path}.part`, JSON.stringify(generateSchema(names)));
    await rename(`${path}.part`, path);
  });
  return path;
}

async function fingerprint(names: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(names));
  for (const file of (await readdir(HERE)).sort()) hash.update(await readFile(new URL(file, HERE)));
  return hash.digest("hex").slice(0, 16);
}
