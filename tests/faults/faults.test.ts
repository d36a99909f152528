import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadMethods } from "#routes.ts";
import { seededRandom, shuffled } from "#stripe_double/random.ts";
import { DEPENDENCIES, type ProxiedNest, startProxiedNest } from "#tests/faults/proxied_nest.ts";
import { type Clean, type Fault, type Outcome, runClean, runFaulty } from "#tests/faults/run.ts";
import { nameOf, SCENARIOS, type Scenario } from "#tests/faults/scenarios.ts";
import { tableOf } from "#tests/faults/table.ts";
import { FAULT_KINDS, type FaultKind } from "#tests/support/fault_proxy.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";

const { FAULTS, FAULTS_SEED, FAULTS_ONLY = "" } = process.env;
const IS_WHOLE = FAULTS === "all";
/** CI takes the same sample each time. */
const SEED = Number(FAULTS_SEED ?? (IS_WHOLE ? Date.now() % 1_000_000 : 1));
const SAMPLE_MS = 5_000;
const NESTS = 6;

interface Job {
  scenario: Scenario;
  clean: Clean;
  fault: Fault;
}

describe("a part that goes wrong at one step of a call", () => {
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

  /** Does each piece of work on whichever proxied is free, until none is left or time is up. */
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

  test("every method and callback has a scenario", async () => {
    const methods = (await loadMethods()).map(
      ({ handler: { declaration } }) => `/1/${declaration.version}/${declaration.name}`,
    );
    const called = SCENARIOS.map(({ path }) => path);
    expect([...methods, "/1/webhook/stripe", "ses_events"].filter((path) => !called.includes(path))).toEqual(
      [],
    );
  });

  test("is answered clearly and in time; the same call, made again, ends as if nothing had been wrong", async () => {
    console.log(`FAULTS_SEED=${SEED}`);
    const jobs: Job[] = [];
    const wanted = SCENARIOS.filter((scenario) => nameOf(scenario).includes(FAULTS_ONLY));
    await onNests(wanted, async (proxied, scenario) => {
      const clean = await runClean(proxied, scenario);
      for (const dependency of DEPENDENCIES) {
        for (const kind of Object.keys(FAULT_KINDS) as FaultKind[]) {
          for (const index of clean.steps[dependency].keys())
            jobs.push({ scenario, clean, fault: { dependency, kind, step: index + 1 } });
        }
      }
    });
    // A part that no call reaches would be tried for nothing.
    if (FAULTS_ONLY === "")
      expect([...new Set(jobs.map(({ fault }) => fault.dependency))].sort()).toEqual(
        [...DEPENDENCIES].sort(),
      );
    const outcomes: [Job, Outcome][] = [];
    const failures: string[] = [];
    const sample = shuffled(jobs, seededRandom(SEED));
    await onNests(
      sample,
      async (proxied, job) => {
        const running = runFaulty(proxied, job.scenario, job.clean, job.fault);
        await running.then(
          (outcome) => outcomes.push([job, outcome]),
          (error: Error) => failures.push(error.message),
        );
      },
      IS_WHOLE ? undefined : Date.now() + SAMPLE_MS,
    );
    console.log(`${outcomes.length + failures.length} of ${jobs.length} faults:\n${tableOf(outcomes)}`);
    if (failures.length > 0) throw new Error(`Promises broken:\n\n${failures.join("\n\n")}`);
    expect(outcomes.length).toBeGreaterThan(0);
  }, 3_600_000);
});
