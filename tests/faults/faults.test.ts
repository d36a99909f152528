import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadMethods } from "#routes.ts";
import { seededRandom, shuffled } from "#stripe_double/random.ts";
import { DEPENDENCIES, type ProxiedNest, startProxiedNest } from "#tests/faults/proxied_nest.ts";
import { type Clean, type Fault, type Outcome, runClean, runFaulty } from "#tests/faults/run.ts";
import type { Scenario } from "#tests/faults/scenario.ts";
import { nameOf, SCENARIOS } from "#tests/faults/scenarios.ts";
import { tableOf } from "#tests/faults/table.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { seedOf } from "#tests/support/seed.ts";
import { reportSuite, suiteOptions } from "#tests/support/suite_options.ts";
import { FAULT_KINDS, type FaultKind, MISSING } from "#tools/machine/fault_proxy.ts";

const { isWhole, only } = suiteOptions;
const SAMPLE_SECONDS = suiteOptions.seconds ?? 5;
/** Proxied Nests that run faults concurrently, since a fault mostly waits. */
const NESTS = 6;

/** A request to Stripe that reads one object by its id. */
const READS_ONE_OBJECT = /^GET \/v1\/\w+\/\w+_…$/;

/** One call with one fault. */
interface Job {
  scenario: Scenario;
  clean: Clean;
  fault: Fault;
}

describe("a fault of a dependency at one step of a call", () => {
  let base: TestNest;
  let nests: ProxiedNest[];
  beforeAll(async () => {
    base = await startNest();
    nests = await Promise.all(Array.from({ length: NESTS }, () => startProxiedNest(base)));
  });
  afterAll(async () => {
    for (const proxied of nests) await proxied.stop();
    await base.stop();
  });

  /** Runs each piece of work on the next free Nest, until none is left or `end` has passed. */
  async function onNests<Work>(
    all: readonly Work[],
    work: (proxied: ProxiedNest, piece: Work) => Promise<void>,
    end = Number.POSITIVE_INFINITY,
  ) {
    const queue = [...all];
    await Promise.all(
      nests.map(async (proxied) => {
        while (Date.now() < end) {
          const piece = queue.shift();
          if (piece === undefined) return;
          await work(proxied, piece);
        }
      }),
    );
  }

  /** Every kind of fault at every step of every wanted scenario. */
  async function listJobs(): Promise<Job[]> {
    const jobs: Job[] = [];
    const wanted = SCENARIOS.filter((scenario) => nameOf(scenario).includes(only));
    if (wanted.length === 0) throw new Error(`No scenario's name contains ${only}.`);
    await onNests(wanted, async (proxied, scenario) => {
      const clean = await runClean(proxied, scenario);
      // Only the object of the event can be too new for Stripe's API. The webhook reads it first.
      if (scenario.path.includes("webhook") && READS_ONE_OBJECT.test(clean.steps.Stripe[0] ?? ""))
        jobs.push({ scenario, clean, fault: { dependency: "Stripe", kind: MISSING, step: 1 } });
      for (const dependency of DEPENDENCIES) {
        for (const kind of Object.keys(FAULT_KINDS) as FaultKind[]) {
          for (const index of clean.steps[dependency].keys())
            jobs.push({ scenario, clean, fault: { dependency, kind, step: index + 1 } });
        }
      }
    });
    return jobs;
  }

  test("every method and callback has a scenario", async () => {
    const methods = (await loadMethods()).map(
      ({ handler: { declaration } }) => `/1/${declaration.version}/${declaration.name}`,
    );
    const called = SCENARIOS.map(({ path }) => path);
    expect(
      [...methods, "/1/oauth/google/callback", "/1/webhook/stripe", "ses_events"].filter(
        (path) => !called.includes(path),
      ),
    ).toEqual([]);
  });

  test("gets a clear response in time, and a retry leads to the same end state as without the fault", async () => {
    const seed = seedOf("faults");
    const jobs = await listJobs();
    const faulted = [...new Set(jobs.map(({ fault }) => fault.dependency))].sort();
    if (only === "") expect(faulted, "faulted dependencies").toEqual([...DEPENDENCIES].sort());
    const outcomes: [Job, Outcome][] = [];
    const failures: string[] = [];
    await onNests(
      shuffled(jobs, seededRandom(seed)),
      async (proxied, job) => {
        await runFaulty(proxied, job.scenario, job.clean, job.fault).then(
          (outcome) => outcomes.push([job, outcome]),
          (error: Error) => {
            failures.push(error.message);
            // Otherwise its fault would fail every later job of this Nest.
            return proxied.clearFaults();
          },
        );
      },
      isWhole ? undefined : Date.now() + SAMPLE_SECONDS * 1000,
    );
    const injected = outcomes.length + failures.length;
    await reportSuite({
      suite: "faults",
      summary:
        `${injected} of ${jobs.length} faults injected, ${jobs.length - injected} skipped, ` +
        `${failures.length} failed (SEED=${seed}).`,
      table: tableOf(outcomes),
    });
    if (failures.length > 0) throw new Error(`Promises broken:\n\n${failures.join("\n\n")}`);
    expect(injected).toBeGreaterThan(0);
    if (isWhole) expect(injected).toBe(jobs.length);
  }, 3_600_000);
});
