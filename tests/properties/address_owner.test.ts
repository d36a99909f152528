import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AddressHistory, STEPS } from "#tests/properties/address_history.ts";
import { BUSY_MACHINE, startNest, type TestNest } from "#tests/support/nest.ts";
import { seedOf } from "#tests/support/seed.ts";
import { suiteOptions } from "#tests/support/suite_options.ts";

const RUNS = suiteOptions.runs ?? (suiteOptions.isFaultsRun ? 60 : 20);
const LIMIT_MS = 120_000 + RUNS * 5_000;

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({
    slowdown: BUSY_MACHINE,
    environment: {
      LIMIT_LINKS_PER_NETWORK: "0",
      LIMIT_REGISTRATIONS_PER_NETWORK: "0",
      LIMIT_FAILURES_PER_NETWORK: "0",
    },
  });
});
afterAll(() => nest.stop());

/** One step after another, or the two of a pair at the same time. */
const steps = fc.array(
  fc.oneof(
    fc.constantFrom(...STEPS).map((step) => [step]),
    fc.tuple(fc.constantFrom(...STEPS), fc.constantFrom(...STEPS)),
  ),
  { minLength: 2, maxLength: 7 },
);

test(
  "nothing that was set up for an unproved address survives its proof by the owner, in random histories",
  async () => {
    const seed = seedOf("address owner");
    let ran = 0;
    const property = fc.asyncProperty(steps, async (history) => {
      await new AddressHistory(nest, `person${seed}-${++ran}@example.com`).run(history);
    });
    await fc.assert(property, { seed, numRuns: RUNS, interruptAfterTimeLimit: LIMIT_MS - 60_000 });
    expect(ran).toBeGreaterThanOrEqual(RUNS);
  },
  LIMIT_MS,
);
