import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take long, begun first, so that none of them is left alone at the end. */
const LONG = [
  "browser/stripe",
  "tools/local/start.test",
  "tools/local/database/engine",
  "core/sign_in/races",
  "browser/",
  "contract/trial",
];

/** It only waits, the less the later it begins. */
const LAST = "/tests/tools/local/database/ttl.test";

/** Stories told by chance, which find more the longer they are told: commands and CI name them. */
const STORIES = ["tests/model/**", "tests/faults/**", "tests/callbacks/chaos/**"];
const isNamed = process.argv.some((argument) => argument.startsWith("tests/"));

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      if (moduleId.includes(LAST)) return LONG.length + 1;
      const found = LONG.findIndex((name) => moduleId.includes(`/tests/${name}`));
      return found < 0 ? LONG.length : found;
    };
    return [...files].sort(
      (one, other) => rank(one) - rank(other) || (one.moduleId < other.moduleId ? -1 : 1),
    );
  }
}

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: isNamed ? [] : STORIES,
    globalSetup: ["tests/support/global_setup.ts"],
    setupFiles: ["tests/support/stripe_traffic_check.ts"],
    pool: "forks",
    // Files share a process, which spares loading everything anew for each: none leaves anything behind in it.
    isolate: false,
    maxWorkers: 2,
    sequence: { sequencer: LongFirst },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
