import { expect, test } from "vitest";
import { type StripeEvent, StripeEventRepository } from "#core/repositories/stripe_events.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, "0")}:00.000Z`;
const begun = (_id: string): StripeEvent => ({
  _id,
  type: "customer.subscription.created",
  objectId: "sub_1",
  customerId: "cus_1",
  apiVersion: null,
  createdAt: at(0),
  receivedAt: at(0),
  status: "processing",
  attempt: 1,
  leasedUntil: at(1),
  endedAt: null,
  reason: null,
  purgeAt: new Date("2026-02-01"),
});
const atOnce = <Result>(work: () => Promise<Result>) => Promise.all(Array.from({ length: 20 }, work));

test("of 20 that take over a dead worker's event one does, and none while its lease stands", async () => {
  await using opened = await openFreshDatabase();
  const events = new StripeEventRepository(opened.database);
  for (let round = 0; round < 10; round++) {
    const id = `evt_${round}`;
    expect((await atOnce(() => events.insert(begun(id)))).filter(Boolean)).toHaveLength(1);
    expect(await atOnce(() => events.lease(id, at(0), at(2)))).toEqual(Array(20).fill(null));
    const taken = (await atOnce(() => events.lease(id, at(2), at(4)))).filter((row) => row !== null);
    expect(taken).toMatchObject([{ attempt: 2, leasedUntil: at(4) }]);
  }
});

test("a worker that lost its lease can't end what another one works on", async () => {
  await using opened = await openFreshDatabase();
  const events = new StripeEventRepository(opened.database);
  for (const status of ["done", "failed"] as const) {
    const id = `evt_${status}`;
    await events.insert(begun(id));
    await events.lease(id, at(2), at(4));
    await events.end(id, 1, { status, reason: null, now: at(3) });
    expect(await events.find(id)).toMatchObject({ status: "processing", attempt: 2, leasedUntil: at(4) });
    await events.end(id, 2, { status: "done", reason: null, now: at(3) });
    await events.end(id, 2, { status: "failed", reason: "late", now: at(4) });
    expect(await events.find(id)).toMatchObject({ status: "done", reason: null, endedAt: at(3) });
  }
});
