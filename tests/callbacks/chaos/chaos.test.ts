import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import { seededRandom } from "#stripe_double/random.ts";
import { deliverInDisorder } from "#tests/callbacks/chaos/run.ts";
import { eventsToSend, live } from "#tests/callbacks/chaos/scenario.ts";
import { mailsTo, stateOf } from "#tests/callbacks/chaos/state.ts";
import { startChild, startWorker, type Worker } from "#tests/callbacks/chaos/worker.ts";
import type { CrashPoint } from "#tests/support/crash.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";

/** `npm run chaos` plays 200 that nobody saw before. */
const { CHAOS_RUNS, CHAOS_SEED } = process.env;
const RUNS = Number(CHAOS_RUNS ?? 12);
const KILLS = Math.ceil(RUNS / 10);
/** Every run's orders, crashes and failures follow from it: name it to see one again. */
const SEED = Number(CHAOS_SEED ?? (CHAOS_RUNS === undefined ? 1 : Date.now() % 1_000_000));
/** A clean run has more. */
const WRITES = 150;

describe("Stripe's events in disorder, with a crashed on the way", () => {
  let nest: TestNest;
  let clean: { state: unknown; mails: Map<string, number> };
  beforeAll(async () => {
    nest = await startNest();
    const scenario = live(nest, "clean");
    for (let sent = 0; sent < eventsToSend(nest.stripe).length; sent++) {
      const event = eventsToSend(nest.stripe)[sent] as object;
      expect((await nest.webhook(event)).status).toBe(200);
    }
    clean = { state: await stateOf(nest, scenario), mails: mailsTo(nest, scenario) };
  });
  afterAll(() => nest.stop());

  /** One run: whatever its order, its crashed and Stripe's failures, it must end as the clean one. */
  async function run(seed: number, start: (crashPoint: CrashPoint) => Worker) {
    const random = seededRandom(seed);
    nest.stripe.reset();
    nest.ses.clear();
    const scenario = live(nest, `run${seed}`);
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

  test("the scenario has all eleven types of events", () => {
    const types = new Set(eventsToSend(nest.stripe).map(({ type }) => type as string));
    expect(STRIPE_EVENT_TYPES.filter((type) => !types.has(type))).toEqual([]);
    expect([...clean.mails.values()].every((count) => count === 1)).toBe(true);
  });

  test(`${RUNS - KILLS} orders, handlers abandoned: each ends as the clean one`, async () => {
    console.log(`CHAOS_SEED=${SEED}`);
    let [crashes, copies] = [0, 0];
    for (let number = 0; number < RUNS - KILLS; number++) {
      const outcome = await run(SEED + number, (crashPoint) => startWorker(nest, crashPoint));
      if (outcome.hasCrashed) crashes++;
      copies += outcome.copies;
    }
    console.log(`${RUNS - KILLS} orders, ${crashes} crashes, ${copies} mails twice`);
    expect(crashes).toBeGreaterThan(0);
  }, 900_000);

  test(`${KILLS} orders, processes killed with SIGKILL: each ends as the clean one`, async () => {
    let crashes = 0;
    for (let number = 0; number < KILLS; number++) {
      const outcome = await run(SEED + RUNS + number, (crashPoint) => startChild(nest, crashPoint));
      if (outcome.hasCrashed) crashes++;
    }
    console.log(`${KILLS} orders, ${crashes} kills`);
    expect(crashes).toBeGreaterThan(0);
  }, 300_000);
});
