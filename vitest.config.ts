import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Slow files start first, so that none of them runs alone at the end. */
const SLOW = [
  "browser/stripe",
  "tools/local/start.test",
  "tools/local/database/engine",
  "core/sign_in/races",
  "browser/",
  "contract/trial",
];

/** Starts last: it waits for a document that the run inserted at its start to expire. */
const LAST = "/tests/tools/local/database/ttl.test";

/** Randomized suites (model, fault injection, chaos), which explore more the longer they run: `npm run test:faults` runs them. */
const RANDOMIZED = ["tests/model/**", "tests/faults/**", "tests/callbacks/chaos/**"];
const isNamed = process.argv.some((argument) => argument.startsWith("tests/"));

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
    setupFiles: ["tests/support/stripe_traffic_check.ts"],
    pool: "forks",
    // Files share a process, so that modules load once. No file may leave state behind in it.
    isolate: false,
    // More than the cores of a small machine, since many tests wait for processes and for time to pass.
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
    // No test should fail because the machine is busy: these limits only end a test that hangs.
    testTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 120_000,
  },
});
