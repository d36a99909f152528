import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadMethods } from "#routes.ts";
import { seededRandom, shuffled } from "#stripe_double/random.ts";
import { type Lane, PARTS, startLane } from "#tests/faults/lane.ts";
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
const LANES = 6;

interface Job {
  scenario: Scenario;
  clean: Clean;
  fault: Fault;
}

describe("a part that goes wrong at one step of a call", () => {
  let base: TestNest;
  let lanes: Lane[];
  beforeAll(async () => {
    base = await startNest();
    lanes = await Promise.all(Array.from({ length: LANES }, () => startLane(base)));
  });
  afterAll(async () => {
    for (const lane of lanes) await lane.stop();
    await base.stop();
  });

  /** Does each piece of work on whichever lane is free, until none is left or time is up. */
  async function onLanes<Work>(
    all: readonly Work[],
    work: (lane: Lane, piece: Work) => Promise<void>,
    end = Number.POSITIVE_INFINITY,
  ) {
    const queue = [...all];
    await Promise.all(
      lanes.map(async (lane) => {
        while (Date.now() < end) {
          const piece = queue.shift();
          if (piece === undefined) return;
          await work(lane, piece);
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
    await onLanes(wanted, async (lane, scenario) => {
      const clean = await runClean(lane, scenario);
      for (const part of PARTS) {
        for (const kind of Object.keys(FAULT_KINDS) as FaultKind[]) {
          for (const index of clean.steps[part].keys())
            jobs.push({ scenario, clean, fault: { part, kind, step: index + 1 } });
        }
      }
    });
    // A part that no call reaches would be tried for nothing.
    if (FAULTS_ONLY === "")
      expect([...new Set(jobs.map(({ fault }) => fault.part))].sort()).toEqual([...PARTS].sort());
    const outcomes: [Job, Outcome][] = [];
    const failures: string[] = [];
    const sample = shuffled(jobs, seededRandom(SEED));
    await onLanes(
      sample,
      async (lane, job) => {
        const running = runFaulty(lane, job.scenario, job.clean, job.fault);
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
