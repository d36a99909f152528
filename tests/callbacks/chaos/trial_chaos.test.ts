import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom, shuffled } from "#stripe_double/random.ts";
import { arm, disarm, LEASE_EXPIRY_SECONDS, NO_CRASH } from "#tests/callbacks/chaos/run.ts";
import { startChild, startWorker, type Worker } from "#tests/callbacks/chaos/worker.ts";
import type { CrashPoint } from "#tests/support/crash.ts";
import { linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { seedOf } from "#tests/support/seed.ts";
import { endOf, reportSuite, suiteOptions } from "#tests/support/suite_options.ts";

const RUNS = 30;
const KILLS = Math.ceil(RUNS / 10);
/** A trial request makes about this many writes. The events that follow make about as many. */
const WRITES = 16;
const ROUNDS = 12;
const WELCOME = "Your Beak Trial has begun!";

describe("a trial requested from two devices while its events arrive, with a crash of either function", () => {
  let seed: number;
  let nest: TestNest;
  let hook: Worker;
  /** Ids of events that got a 2xx response. */
  let taken: Set<string>;
  const endpoint = createServer(async (request, response) => {
    const body = await text(request);
    const status = await hook.post(body, String(request.headers["stripe-signature"]));
    if (status !== null && status < 300) taken.add(JSON.parse(body).id);
    // The test itself retries deliveries that failed, so the double must not.
    response.writeHead(200).end();
  });
  beforeAll(async () => {
    seed = seedOf("trial_chaos");
    nest = await startNest();
    await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
    nest.stripe.deliverTo(`http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`);
  });
  afterAll(async () => {
    await nest.stop();
    endpoint.close();
  });

  const requestBy = (address: string, name: string) =>
    linkRequest({
      identifier_value: address,
      device: { platform: "mac", beak_id: `b-${name}-${address}`, fingerprint: `f-${name}-${address}` },
    });
  const startTrial = async (body: object) =>
    (await nest.call(`${V2}create_trial_and_magic_link`, body)).status;
  const find = (collection: string, filter: object) => nest.collection(collection).find(filter).toArray();
  const welcomes = (address: string) =>
    nest.ses.inbox.filter(({ to, subject }) => to === address && subject === WELCOME).length;

  /** Retries as the app and Stripe do, until every request and event succeeded. */
  async function retryUntilDone(requests: object[], random: () => number): Promise<void> {
    for (const body of requests) {
      let status = 0;
      for (let tries = 0; tries < ROUNDS && status !== 204; tries++) status = await startTrial(body);
      expect(status).toBe(204);
    }
    await nest.stripe.settled();
    for (let round = 0; round < ROUNDS; round++) {
      const waiting = nest.stripe.events().filter(({ id }) => !taken.has(id));
      if (waiting.length === 0) return;
      nest.clock.advance(LEASE_EXPIRY_SECONDS);
      for (const event of shuffled(waiting, random)) {
        if ((await nest.webhook(event)).status < 300) taken.add(event.id);
      }
    }
    throw new Error("some events never succeeded");
  }

  async function run(seed: number, start: (crashPoint: CrashPoint) => Worker): Promise<number> {
    const random = seededRandom(seed);
    const crashPoint = (crashes: boolean): CrashPoint =>
      crashes
        ? { at: 1 + Math.floor(random() * WRITES), when: random() < 0.5 ? "before" : "after" }
        : NO_CRASH;
    nest.stripe.reset();
    nest.ses.clear();
    taken = new Set();
    const users = await nest.collection("users").countDocuments();
    const address = `run${seed}@example.com`;
    const [first, second] = [requestBy(address, "first"), requestBy(address, "second")];
    const side = Math.floor(random() * 3);
    const caller = start(crashPoint(side !== 0));
    hook = startWorker(nest, crashPoint(side !== 1));
    if (random() < 0.5) arm(nest, seed);
    const answers = await Promise.all([
      caller.startTrial(JSON.stringify(first)),
      random() < 0.5 ? startTrial(second) : null,
    ]);
    await nest.stripe.settled();
    await Promise.all([caller.close(), hook.close()]);
    disarm(nest);
    const sent = welcomes(address);
    const unrecorded = (await find("subscriptions", { "mails.welcome.sentAt": { $type: "string" } })).every(
      ({ stpSubscriptionId }) => stpSubscriptionId !== nest.stripe.subscriptions()[0]?.id,
    );
    hook = startWorker(nest, NO_CRASH);
    await retryUntilDone([first, second], random);
    await hook.close();

    const [subscription, ...others] = nest.stripe.subscriptions();
    expect({ seed, others, customers: nest.stripe.customers().length }).toEqual({
      seed,
      others: [],
      customers: 1,
    });
    const [trial] = await find("trials", { identifierValue: address });
    expect(trial).toMatchObject({
      stpSubscriptionId: subscription?.id,
      stpCustomerId: subscription?.customer,
    });
    expect(trial?.beakIds).toHaveLength(2);
    const userId = trial?.userId as string;
    expect(await nest.collection("users").countDocuments()).toBe(users + 1);
    expect(await find("users", { _id: userId })).toMatchObject([{ keptSubscriptionId: subscription?.id }]);
    expect(await find("identifiers", { identifierValue: address })).toMatchObject([{ userId }]);
    expect(await find("provider-mappings", { providerValue: subscription?.customer })).toMatchObject([
      { userId },
    ]);
    expect(await find("subscriptions", { userId })).toMatchObject([
      { stpSubscriptionId: subscription?.id, status: "trialing", trialId: trial?._id },
    ]);
    const unfinished = await find("stripe-events", { status: { $nin: ["done", "ignored"] } });
    expect({ seed, unfinished }).toEqual({ seed, unfinished: [] });
    expect({ seed, welcomes: welcomes(address) }).toEqual({ seed, welcomes: 1 + (unrecorded ? sent : 0) });
    return answers[0] === null ? 1 : 0;
  }

  test("creates one trial, customer, subscription and user, and sends one welcome mail, when a function stops", async () => {
    let [runs, crashes] = [0, 0];
    const end = endOf(suiteOptions.seconds);
    for (; runs < RUNS - KILLS || Date.now() < end; runs++)
      crashes += await run(seed + runs, (crashPoint) => startWorker(nest, crashPoint));
    await reportSuite({
      suite: "trial_chaos",
      summary: `${runs} trials, ${crashes} crashes of the trial request; every trial was made once.`,
    });
    expect(crashes).toBeGreaterThan(0);
  }, 3_600_000);

  test("creates one of each, and sends one welcome mail, when the process is killed with SIGKILL", async () => {
    for (let number = 0; number < KILLS; number++)
      await run(seed + 1_000_000 + number, (crashPoint) => startChild(nest, crashPoint));
  }, 120_000);
});
