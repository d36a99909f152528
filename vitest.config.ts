import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take long start first, the longest of them before all others, so that none of them runs alone at the end. */
const SLOW = [
  "browser/reference",
  "tools/local/start.test",
  "browser/life",
  "browser/stripe",
  "tools/deploy/zips",
  "packages/client/session_property",
  "core/billing/subscriptions/one_subscription",
  "core/billing/subscriptions/undecided_subscriptions",
  "tools/deploy/bundle",
  "tools/deploy/plugin",
  "tools/deploy/rehearse",
  "app/",
  "browser/",
  "properties/",
  "tools/migrations/migrate",
  "packages/stripe_double/stripe_mock",
  "tools/local/database/engine",
  "core/billing/payments/return_money",
  "core/billing/subscriptions/interrupted_rejection",
  "tools/deploy/template",
  "tools/openapi/examples",
  "core/sign_in/races",
  "contract/subscription_status",
  "contract/trial",
];

/** Starts last: it waits for a document that the run inserted at its start to expire. */
const LAST = "/tests/tools/local/database/ttl.test";

/** Randomized suites (model, fault injection, chaos, deliveries), which explore more the longer they run: `npm run test:faults` runs them. */
const RANDOMIZED = ["tests/model/**", "tests/faults/**", "tests/callbacks/chaos/**", "tests/deliveries/**"];
const isNamed = process.argv.some((argument) => argument.startsWith("tests/"));

/** Node keeps the compiled code of modules here, for the workers and for the programs that tests run. */
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "node_modules/.cache/node");

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      if (moduleId.includes(LAST)) return SLOW.length + 1;
      const found = SLOW.findIndex((name) => moduleId.includes(`/tests/${name}`));
      return found < 0 ? SLOW.length : found;
    };
    return [...files].sort(
      (one, other) => rank(one) - rank(other) || (one.moduleId < other.moduleId ? -1 : 1),
    );
  }
}

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: isNamed ? [] : RANDOMIZED,
    globalSetup: ["tests/support/global_setup.ts"],
    setupFiles: ["tests/support/stripe_traffic_setup.ts"],
    pool: "forks",
    // Files share a process, so that modules load once. No file may leave state behind in it.
    isolate: false,
    // Node runs TypeScript itself, as it does in production tools. Vite would transform every module in one process, for which
    // all workers wait. Without mocks, no loader is needed.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    // More than the cores of a small machine, since many tests wait for processes and for time to pass.
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
    // No test should fail because the machine is busy: these limits only end a test that hangs.
    testTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 120_000,
  },
});
