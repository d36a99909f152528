import { afterAll, beforeAll, expect, test } from "vitest";
import { type StripeEvent, StripeEventRepository } from "#core/repositories/stripe_events.ts";
import { atOnce, moment, rounds } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let events: StripeEventRepository;
beforeAll(async () => {
  opened = await openFreshDatabase();
  events = new StripeEventRepository(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

const event = (_id: string, change: Partial<StripeEvent> = {}): StripeEvent => ({
  _id,
  type: "customer.subscription.created",
  objectId: "sub_1",
  customerId: "cus_1",
  isLive: false,
  apiVersion: null,
  createdAt: moment(0),
  receivedAt: moment(0),
  status: "processing",
  attempt: 1,
  leasedUntil: moment(60),
  endedAt: null,
  reason: null,
  purgeAt: new Date("2030-01-01"),
  ...change,
});
const lease = (id: string, now: number) => events.lease(id, moment(now), moment(now + 60));

test("starts an event once when many deliveries race", async () => {
  await rounds(async (round) => {
    const isNew = await atOnce((caller) =>
      events.insert(event(`new-${round}`, { receivedAt: moment(caller) })),
    );
    expect(isNew.filter(Boolean)).toHaveLength(1);
    expect(await events.find(`new-${round}`)).toMatchObject({ receivedAt: moment(isNew.indexOf(true)) });
  });
});

test("restarts a failed event, or an event with an expired lease, once when many calls race, and never during a lease", async () => {
  await rounds(async (round) => {
    for (const [id, change, now] of [
      [`failed-${round}`, { status: "failed" }, 30],
      [`left-${round}`, { status: "processing" }, 61],
    ] as const) {
      await events.insert(event(id, change));
      const leased = (await atOnce(() => lease(id, now))).filter((row) => row !== null);
      expect(leased).toMatchObject([{ attempt: 2, status: "processing", leasedUntil: moment(now + 60) }]);
      expect(await atOnce(() => lease(id, now + 59), 3)).toEqual([null, null, null]);
    }
  });
});

test("never restarts an event that is done or ignored", async () => {
  for (const status of ["done", "ignored"] as const) {
    await events.insert(event(status, { status, leasedUntil: moment(0) }));
    expect(await atOnce(() => lease(status, 100), 3)).toEqual([null, null, null]);
  }
});

test("records only the outcome of the last attempt when attempts end at once", async () => {
  await rounds(async (round) => {
    const id = `ended-${round}`;
    await events.insert(event(id));
    await lease(id, 61);
    await atOnce((caller) => {
      const isLast = caller === 2 * round;
      const outcome = { status: isLast ? "done" : "failed", reason: null, now: moment(caller) } as const;
      return events.end(id, isLast ? 2 : 1, outcome);
    });
    expect(await events.find(id)).toMatchObject({ status: "done", attempt: 2, endedAt: moment(2 * round) });
    await events.end(id, 2, { status: "failed", reason: "late", now: moment(200) });
    expect(await events.find(id)).toMatchObject({ status: "done" });
  });
});
