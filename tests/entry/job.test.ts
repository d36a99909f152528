import { afterEach, beforeEach, expect, test } from "vitest";
import { stripe } from "#core/parts.ts";
import { type JobDeclaration, type JobOutcome, serveJob } from "#entry/job.ts";
import { endsWithin } from "#tests/support/deadline.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";

const SECOND = 1_000;
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

type Run = JobDeclaration<{ stripe: typeof stripe }>["run"];

/** A function of a job that does what a test wants, invoked with this much time left. */
const declare = (run: Run, leftMs = 300 * SECOND) => {
  const declaration: JobDeclaration<{ stripe: typeof stripe }> = {
    ...{ name: "count_stars", summary: "Counts.", schedule: "rate(1 day)", limitSeconds: 300 },
    ...{ parts: { stripe }, run },
  };
  const serve = serveJob(declaration as unknown as JobDeclaration, nest.gateway);
  const context = { ...lambdaContext("r1"), getRemainingTimeInMillis: () => leftMs };
  return (event: unknown = { job: "count_stars" }) => serve(event, context);
};
const outcome = (change: Partial<JobOutcome> = {}): JobOutcome => ({
  ...{ done: 0, pending: 0, failed: 0 },
  ...change,
});

test("runs the job and logs its counts", async () => {
  const invoke = declare(async () => outcome({ done: 2, pending: 1 }));
  expect(await invoke()).toEqual({ done: 2, pending: 1, failed: 0 });
  expect(nest.logged("job")).toEqual([
    expect.objectContaining({
      ...{ level: "info", job: "count_stars", outcome: "done", done: 2, pending: 1, failed: 0 },
      ...{ is_out_of_time: false, request_id: "r1", duration_ms: expect.any(Number), trips: 0 },
    }),
  ]);
});

test.each([
  null,
  {},
  "count_stars",
  [],
  { job: null },
  { job: "another_job" },
  { job: { $ne: null } },
  { source: "aws.events", "detail-type": "Scheduled Event", detail: {} },
])("fails for the event %j and runs nothing, so that a wrong schedule raises the alarm", async (event) => {
  let runs = 0;
  const invoke = declare(async () => {
    runs++;
    return outcome();
  });
  await expect(invoke(event)).rejects.toThrow("count_stars: the event does not name this job");
  expect(runs).toBe(0);
  expect(nest.logged("job")).toMatchObject([{ level: "error", outcome: "refused", request_id: "r1" }]);
});

test("fails if one item of the run failed, and logs the counts", async () => {
  const invoke = declare(async () => outcome({ done: 5, failed: 1 }));
  await expect(invoke()).rejects.toThrow("count_stars: 1 failed");
  expect(nest.logged("job")).toMatchObject([{ level: "error", outcome: "failed", done: 5, failed: 1 }]);
});

test("fails when the job throws, and logs no text of the error", async () => {
  const invoke = declare(async () => {
    throw new Error("duplicate key ada@example.com");
  });
  await expect(invoke()).rejects.toThrow(/^count_stars failed$/);
  expect(nest.logged("job")).toMatchObject([{ level: "error", outcome: "failed", failure: "Error" }]);
  expect(nest.logLines.join()).not.toContain("ada@");
});

test("gives the job the time that Lambda has left, less what its last item and the log line need", async () => {
  const startedAt = Date.now();
  let given = 0;
  await declare(async ({ deadline }) => {
    given = deadline - startedAt;
    return outcome();
  }, 100 * SECOND)();
  expect(given).toBeGreaterThan(70 * SECOND);
  expect(given).toBeLessThan(90 * SECOND);
});

test("says that the time ran out when a run ends after its deadline", async () => {
  const invoke = declare(async () => outcome({ done: 1 }), 10 * SECOND);
  await invoke();
  expect(nest.logged("job")).toMatchObject([{ outcome: "done", is_out_of_time: true }]);
});

test("fails before Lambda stops the function when the job hangs, and sends Stripe no further request", async () => {
  let ask = (): Promise<unknown> => Promise.resolve();
  const invoke = declare(({ core }) => {
    ask = () => core.stripe.request((sdk, options) => sdk.customers.list({}, options));
    return new Promise(() => undefined);
  }, 2 * SECOND);
  const run = () => expect(invoke()).rejects.toThrow("count_stars failed");
  expect(await endsWithin(2 * SECOND, run)).toBe(true);
  await expect(ask()).rejects.toMatchObject({ code: "unavailable" });
  expect(nest.logged("job")).toMatchObject([{ outcome: "failed", code: "unavailable" }]);
});
