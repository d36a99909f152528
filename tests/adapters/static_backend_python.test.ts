import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startTestStack } from "#tests/support/local_stack.ts";
import { StaticBackend } from "#tests/support/static_backend.ts";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";
import { onPath, run } from "#tools/machine/child_process.ts";

const file = (name: string) => new URL(`static_backend_python/${name}`, import.meta.url).pathname;

/**
 * Returns a Python that has the package. Installs it into the cache folder on first use.
 * @throws Error that says what is missing
 */
async function openPython(): Promise<string> {
  const python = onPath("python3");
  if (!python) throw new Error("python3 is not on PATH");
  const key = createHash("sha256")
    .update(await readFile(file("requirements.txt")))
    .digest("hex");
  const folder = join(cacheDirectory(), `staticbackend-python-${key.slice(0, 12)}`);
  const installed = join(folder, "bin", "python");
  if (existsSync(installed)) return installed;
  try {
    await run(python, ["-m", "venv", folder]);
    const pip = ["install", "--quiet", "--no-deps", "--retries", "0", "-r", file("requirements.txt")];
    await run(join(folder, "bin", "pip"), pip);
    return installed;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

const python = await openPython().catch((error: Error) => {
  console.log(`The test of the Python package is skipped: ${error.message}`);
  return null;
});

test.skipIf(python === null)(
  "the PyPI package staticbackend passes its own cases of users (P1 to P6)",
  async () => {
    await using stack = await startTestStack();
    const { url, key, rootToken } = await StaticBackend.of(stack);
    // The package refuses the name localhost.
    const endpoint = url.replace("//localhost:", "//127.0.0.1:");
    const printed = await run(python ?? "", [file("program.py"), endpoint, key, rootToken, "py@example.com"]);
    expect(JSON.parse(printed)).toEqual({
      ...{ registered: 2, signed_in: 2, registered_again: "EmailError" },
      // A status of 401 has its own error in the package, with a text about keys.
      ...{ unknown: "AuthenticationError", code_is_alphanumeric: true, code_of_unknown: "EmailError" },
      ...{ reset: true, signed_in_anew: 2, reset_back: true, signed_in_back: 2 },
    });
  },
);
