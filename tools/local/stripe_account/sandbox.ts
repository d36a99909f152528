import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Environment } from "#core/config.ts";
import { requireTestKey } from "#tools/local/stripe_account/test_key.ts";

const ROOT = new URL("../../../", import.meta.url);
const VITEST = fileURLToPath(new URL("node_modules/vitest/vitest.mjs", ROOT));
const SUITES = ["contract", "subscription_lifecycle"].map(
  (name) => `tests/packages/stripe_double/${name}.test.ts`,
);

/**
 * Runs the Stripe contract tests against the real Stripe sandbox whose key is STRIPE_CONTRACT_KEY. The tests delete
 * what they create there. Without a key nothing runs.
 * @returns whether the tests passed; null if there is no key
 * @throws Error for a live key
 */
export async function runSandboxTests(environment: Environment): Promise<boolean | null> {
  const key = environment.STRIPE_CONTRACT_KEY;
  if (!key) return null;
  requireTestKey("STRIPE_CONTRACT_KEY", key);
  const args = [VITEST, "run", ...SUITES, "--testNamePattern", "a Stripe sandbox", "--reporter", "verbose"];
  const tests = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, ...environment },
  });
  const status = await new Promise((resolve) => tests.once("close", resolve));
  return status === 0;
}
