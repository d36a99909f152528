/**
 * `npm run stripe:sandbox`: the contract suite and the whole life against a real Stripe sandbox, whose key
 * STRIPE_CONTRACT_KEY names. It makes what it needs there and takes it away again. Without a key it says so and ends well.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { requireTestKey } from "#tools/local/stripe_account/test_key.ts";

const ROOT = new URL("../../../", import.meta.url);
const VITEST = fileURLToPath(new URL("node_modules/vitest/vitest.mjs", ROOT));
const SUITES = ["contract", "subscription_lifecycle"].map(
  (name) => `tests/packages/stripe_double/${name}.test.ts`,
);

function run(): void {
  const key = process.env.STRIPE_CONTRACT_KEY;
  if (!key) {
    console.log("Skipped: STRIPE_CONTRACT_KEY names no key of a Stripe sandbox (sk_test_...).");
    return;
  }
  requireTestKey("STRIPE_CONTRACT_KEY", key);
  const args = [VITEST, "run", ...SUITES, "--testNamePattern", "a Stripe sandbox", "--reporter", "verbose"];
  spawn(process.execPath, args, { cwd: ROOT, stdio: "inherit" }).once("close", (status) => {
    process.exitCode = status ?? 1;
  });
}

try {
  run();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
