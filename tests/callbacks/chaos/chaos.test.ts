import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import { seededRandom } from "#stripe_double/random.ts";
import { deliverInDisorder } from "#tests/callbacks/chaos/run.ts";
import { createScenario, eventsToSend } from "#tests/callbacks/chaos/scenario.ts";
import { mailsTo, stateOf } from "#tests/callbacks/chaos/state.ts";
import { startChild, startWorker, type Worker } from "#tests/callbacks/chaos/worker.ts";
import type { CrashPoint } from "#tests/support/crash.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { seedOf } from "#tests/support/seed.ts";
import { endOf, reportSuite, suiteOptions } from "#tests/support/suite_options.ts";

const RUNS = suiteOptions.isWhole ? 200 : 12;
const KILLS = Math.ceil(RUNS / 10);
/** A process crashes at one of this many writes. A run without a crash makes more. */
const WRITES = 150;

describe("Stripe's events in random order, with faults and a crash", () => {
  let seed: number;
  let nest: TestNest;
  let clean: { state: unknown; mails: Map<string, number> };
  beforeAll(async () => {
    seed = seedOf("chaos");
    nest = await startNest();
    const scenario = createScenario(nest, "clean");
    for (let sent = 0; sent < eventsToSend(nest.stripe).length; sent++) {
      const event = eventsToSend(nest.stripe)[sent] as object;
      expect((await nest.webhook(event)).status).toBe(200);
    }
    clean = { state: await stateOf(nest, scenario), mails: mailsTo(nest, scenario) };
  });
  afterAll(() => nest.stop());

  /** One run with a random order, crash point and faults. It must end in the state of the clean run. */
  async function run(seed: number, start: (crashPoint: CrashPoint) => Worker) {
    const random = seededRandom(seed);
    nest.stripe.reset();
    nest.ses.clear();
    const scenario = createScenario(nest, `run${seed}`);
    const when = random() < 0.5 ? "before" : "after";
    const worker = start({ at: 1 + Math.floor(random() * WRITES), when });
    const { hasCrashed, mayComeTwice } = await deliverInDisorder(nest, scenario, seed, worker);
    expect({ seed, state: await stateOf(nest, scenario) }).toEqual({ seed, state: clean.state });
    const mails = mailsTo(nest, scenario);
    expect({ seed, mails: [...mails.keys()] }).toEqual({ seed, mails: [...clean.mails.keys()] });
    const twice = [...mails].filter(([, count]) => count > 1).map(([mail]) => mail);
    expect({ seed, twice: twice.filter((mail) => !mayComeTwice.has(mail)) }).toEqual({ seed, twice: [] });
    expect(Math.max(...mails.values())).toBeLessThanOrEqual(2);
    return { hasCrashed, copies: twice.length };
  }

  test("the scenario has every event type that Nest handles", () => {
    const types = new Set(eventsToSend(nest.stripe).map(({ type }) => type as string));
    expect(STRIPE_EVENT_TYPES.filter((type) => !types.has(type))).toEqual([]);
    expect([...clean.mails.values()].every((count) => count === 1)).toBe(true);
  });

  test("ends in the state of a clean run when a handler stops at a random write", async () => {
    let [runs, crashes, copies] = [0, 0, 0];
    const end = endOf(suiteOptions.seconds);
    for (; runs < RUNS - KILLS || Date.now() < end; runs++) {
      const outcome = await run(seed + runs, (crashPoint) => startWorker(nest, crashPoint));
      if (outcome.hasCrashed) crashes++;
      copies += outcome.copies;
    }
    await reportSuite({
      suite: "chaos",
      summary: `${runs} event orders, ${crashes} crashes, ${copies} mails sent twice; every run ended in the clean state.`,
    });
    expect(crashes).toBeGreaterThan(0);
  }, 3_600_000);

  test("ends in the state of a clean run when the process is killed with SIGKILL", async () => {
    let kills = 0;
    for (let number = 0; number < KILLS; number++) {
      const outcome = await run(seed + 1_000_000 + number, (crashPoint) => startChild(nest, crashPoint));
      if (outcome.hasCrashed) kills++;
    }
    expect(kills).toBeGreaterThan(0);
  }, 300_000);
});
