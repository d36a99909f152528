import { afterAll, beforeAll, expect, test } from "vitest";
import { type ProxiedNest, startProxiedNest } from "#tests/faults/proxied_nest.ts";
import { runClean, runFaulty } from "#tests/faults/run.ts";
import { SCENARIOS } from "#tests/faults/scenarios.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";

let base: TestNest;
let proxied: ProxiedNest;
beforeAll(async () => {
  base = await startNest();
  proxied = await startProxiedNest(base);
});
afterAll(async () => {
  await proxied.stop();
  await base.stop();
});

test.each(["update trials", "insert provider-mappings"])(
  "a retried trial stores its customer in the trial and in the mapping if %s failed",
  async (write) => {
    const scenario = SCENARIOS.find(({ path }) => path.includes("create_trial_and_magic_link"));
    if (!scenario) throw new Error("no scenario creates a trial");
    const clean = await runClean(proxied, scenario);
    const steps = clean.steps.database.flatMap((step, index) => (step === write ? [index + 1] : []));
    expect(steps.length).toBeGreaterThan(0);
    // `runFaulty` compares the stored documents with those of a call without a fault.
    for (const step of steps)
      await runFaulty(proxied, scenario, clean, { dependency: "database", kind: "interrupted", step });
  },
);
