import { createRequire } from "node:module";
import { join } from "node:path";

/** The arguments with which Node runs vitest. */
export function vitestArguments(...args: readonly string[]): string[] {
  const folder = join(createRequire(import.meta.url).resolve("vitest/package.json"), "..");
  return [join(folder, "vitest.mjs"), ...args];
}
