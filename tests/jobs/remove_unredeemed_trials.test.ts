import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { type JobFunction, serveJob } from "#entry/job.ts";
import { handler } from "#jobs/remove_unredeemed_trials.ts";
import { crashAt } from "#tests/support/crash.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { startTestStack } from "#tests/support/local_stack.ts";
import { linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";

const EVENT = { job: "remove_unredeemed_trials" };
const PATH = "/dev/jobs/remove_unredeemed_trials";

describe("the function", () => {
  let nest: TestNest;
  let serve: JobFunction;
  beforeEach(async () => {
    nest = await startNest();
    serve = serveJob(handler.declaration, nest.gateway);
  });
  afterEach(() => nest.stop());

  const run = (leftMs = 300_000) =>
    serve(EVENT, { ...lambdaContext("r1"), getRemainingTimeInMillis: () => leftMs });
  const liveCustomers = () => nest.stripe.customers().filter((customer) => !("deleted" in customer));
  const deletions = () => nest.stripe.requests.filter(({ method }) => method === "DELETE");
  /** Starts trials that nobody redeems, and lets 50 days pass. */
  async function abandon(count: number): Promise<void> {
    for (let index = 0; index < count; index++)
      expect(await nest.startTrial(`unredeemed${index}@example.com`, `203.0.113.${index}`)).toBe("204");
    await nest.deliverEvents();
    await nest.passTime(50 * DAY);
    await nest.collection("authorizations").deleteMany({});
    await nest.collection("limit-windows").deleteMany({});
  }

  test("removes the trials and their customers, and logs counts without an address or id of a person", async () => {
    await abandon(3);
    nest.logLines.splice(0);
    expect(await run()).toEqual({ done: 3, pending: 0, failed: 0 });
    expect(liveCustomers()).toEqual([]);
    expect(await nest.collection("trials").countDocuments()).toBe(0);
    expect(nest.logged("job")).toMatchObject([{ job: EVENT.job, outcome: "done", done: 3 }]);
    expect(nest.logLines.join()).not.toMatch(/@|user_|cus_/);
  });

  test("removes each trial once when five runs overlap, and no run fails", async () => {
    await abandon(6);
    const runs = await Promise.all([run(), run(), run(), run(), run()]);
    expect(runs.reduce((sum, { done }) => sum + done, 0)).toBe(6);
    expect(runs.map(({ failed }) => failed)).toEqual([0, 0, 0, 0, 0]);
    expect(deletions()).toHaveLength(6);
    expect(liveCustomers()).toEqual([]);
    expect(await nest.collection("trials").countDocuments()).toBe(0);
  });

  test("finishes a removal once when five runs find that an earlier run crashed", async () => {
    await abandon(1);
    const crashed = Promise.withResolvers<void>();
    const { open, settled } = crashAt(nest.gateway, { at: 1, when: "after" }, () => crashed.resolve());
    // It never returns; its own time limit ends it.
    void serveJob(handler.declaration, open)(EVENT, lambdaContext("r0")).catch(() => undefined);
    await crashed.promise;
    await settled();
    // The crashed run could still be at work.
    expect(await run()).toEqual({ done: 0, pending: 0, failed: 0 });
    await nest.passTime(DAY);
    const runs = await Promise.all([run(), run(), run(), run(), run()]);
    expect(runs.reduce((sum, { done }) => sum + done, 0)).toBe(1);
    expect(runs.map(({ failed }) => failed)).toEqual([0, 0, 0, 0, 0]);
    expect(deletions()).toHaveLength(1);
    expect(await nest.collection("trials").countDocuments()).toBe(0);
  });

  test("finishes each removal once when five runs overlap after a run that failed", async () => {
    await abandon(6);
    nest.stripe.fault({ calls: 100, kind: "error", on: "GET /v1/subscriptions" });
    await expect(run()).rejects.toThrow("remove_unredeemed_trials: 6 failed");
    nest.stripe.fault({ calls: 0, kind: "error" });
    const runs = await Promise.all([run(), run(), run(), run(), run()]);
    expect(runs.reduce((sum, { done }) => sum + done, 0)).toBe(6);
    expect(runs.map(({ failed }) => failed)).toEqual([0, 0, 0, 0, 0]);
    expect(deletions()).toHaveLength(6);
    expect(await nest.collection("trials").countDocuments()).toBe(0);
  });

  test("begins no removal without time to finish it, and the next run removes the trials", async () => {
    await abandon(2);
    expect(await run(10_000)).toEqual({ done: 0, pending: 0, failed: 0 });
    expect(await nest.collection("trials").countDocuments({ removal: { $exists: true } })).toBe(0);
    expect(nest.logged("job")).toMatchObject([{ outcome: "done", is_out_of_time: true }]);
    expect(await run()).toMatchObject({ done: 2 });
  });

  test("fails when Stripe fails for one trial, removes the others, and removes the trial in the retry", async () => {
    await abandon(3);
    nest.stripe.fault({ calls: 2, kind: "lost", on: "GET /v1/subscriptions" });
    await expect(run()).rejects.toThrow("remove_unredeemed_trials: 1 failed");
    expect(nest.logged("job")).toMatchObject([{ level: "error", outcome: "failed", done: 2, failed: 1 }]);
    expect(await run()).toEqual({ done: 1, pending: 0, failed: 0 });
    expect(liveCustomers()).toEqual([]);
  });
});

describe("POST /dev/jobs/<name> of the local stack", () => {
  test("runs the job at the time of the Stripe double and returns its counts", async () => {
    await using stack = await startTestStack();
    const started = await stack.ask("POST", `${V2}create_trial_and_magic_link`, linkRequest());
    expect(started.status).toBe(204);
    await stack.stripe.settled();
    expect(await stack.ask("POST", PATH)).toMatchObject({
      status: 200,
      body: { done: 0, pending: 0, failed: 0 },
    });
    await stack.ask("POST", "/dev/stripe/clock", { advance_days: 45 });
    expect((await stack.ask("POST", PATH)).body).toEqual({ done: 1, pending: 0, failed: 0 });
    expect(await stack.database.collection("trials").countDocuments()).toBe(0);
    expect(stack.stripe.customers()).toMatchObject([{ deleted: true }]);
    expect(await stack.ask("POST", "/dev/jobs/no_such_job")).toMatchObject({
      status: 404,
      body: { code: "not_found" },
    });
  });
});
