import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import type { DoubleEvent } from "#stripe_double/types.ts";
import { startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { pauseWebhook } from "#tests/support/paused_webhook.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const eventsOf = (type: string) => nest.stripe.events().filter((event) => event.type === type);
const only = (type: string) => eventsOf(type)[0] as DoubleEvent;
const stored = () => nest.collection("subscriptions").findOne({});
const entitlement = async () => {
  const { access_token, user_id } = await nest.signIn(ADA);
  const reply = await nest.call(`${V2}get_subscription_status`, { user_id }, { bearer: access_token });
  return reply.body.entitlement;
};

test("records a dispute, raises an alarm, and mints no entitlement until the dispute is won", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect(await entitlement()).toEqual(expect.any(String));
  const dispute = nest.stripe.dispute(id);
  await nest.deliverEvents();
  expect(await stored()).toMatchObject({ disputeStatus: "needs_response", disputedAt: expect.any(String) });
  expect(nest.logged("stripe_dispute")).toMatchObject([{ alarm: true, level: "error" }]);
  expect(await entitlement()).toBeNull();
  nest.stripe.closeDispute(dispute.id, "won");
  await nest.deliverEvents();
  expect(await stored()).toMatchObject({ disputeStatus: "won" });
  expect(await entitlement()).toEqual(expect.any(String));
});

test("returns 409 for a dispute whose subscription is not stored yet, and records it at the retry", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA });
  nest.stripe.dispute(id);
  const early = await nest.webhook(only("charge.dispute.created"));
  expect({ status: early.status, code: early.body.code }).toEqual({
    status: 409,
    code: "subscription_not_ready",
  });
  await nest.webhook(only("customer.subscription.created"));
  expect((await nest.webhook(only("charge.dispute.created"))).status).toBe(200);
  expect(await stored()).toMatchObject({ disputeStatus: "needs_response" });
});

test("raises an alarm for a dispute of a buyer with an unusable address, and records it after the address is corrected", async () => {
  const { id, customer } = nest.stripe.createSubscription({ email: "user..name@example.com" });
  await nest.deliverEvents();
  nest.clock.advance(2 * DAY);
  nest.stripe.dispute(id);
  expect((await nest.webhook(only("charge.dispute.created"))).status).toBe(200);
  expect(nest.logged("stripe_dispute")).toMatchObject([{ alarm: true, subscription_id: id }]);
  const rows = nest.collection("stripe-events");
  const { type } = only("charge.dispute.created");
  expect(await rows.findOne({ type })).toMatchObject({ status: "failed", reason: "no_subscription" });
  await fetch(`${nest.stripe.url}/v1/customers/${customer}`, {
    method: "POST",
    headers: { authorization: `Bearer ${nest.stripe.secretKey}` },
    body: new URLSearchParams({ email: ADA }),
  });
  for (const event of [nest.eventOf("customer.subscription.created", id), only(type)])
    expect((await nest.webhook(event)).status).toBe(200);
  expect(await stored()).toMatchObject({ stpSubscriptionId: id, disputeStatus: "needs_response" });
});

test("raises an alarm for a dispute of an unstored ended subscription to our product, and none for another product", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA });
  nest.stripe.dispute(id);
  nest.stripe.cancelSubscription(id);
  const other = await startNest({ beside: nest, environment: { STRIPE_PRODUCT_IDS: "prod_else" } });
  expect((await other.webhook(only("charge.dispute.created"))).status).toBe(200);
  expect(other.logged("stripe_dispute")).toEqual([]);
  await nest.collection("stripe-events").deleteMany({});
  expect((await nest.webhook(only("charge.dispute.created"))).status).toBe(200);
  expect(nest.logged("stripe_dispute")).toMatchObject([{ alarm: true, subscription_id: id }]);
  await other.stop();
});

test("ignores a dispute of an unstored ended subscription and of another product", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA });
  nest.stripe.dispute(id);
  nest.stripe.cancelSubscription(id);
  const other = await startNest({ beside: nest, environment: { STRIPE_PRODUCT_IDS: "prod_else" } });
  const second = nest.stripe.createSubscription({ email: "bob@example.com" });
  nest.stripe.dispute(second.id);
  const [ofEnded, ofOther] = eventsOf("charge.dispute.created") as [DoubleEvent, DoubleEvent];
  expect((await nest.webhook(ofEnded)).status).toBe(200);
  expect((await other.webhook(ofOther)).status).toBe(200);
  const rows = nest.collection("stripe-events").find({ status: "ignored", reason: "no_subscription" });
  expect(await rows.toArray()).toHaveLength(2);
  await other.stop();
});

test("keeps the status of the newer open dispute when an older one is won later", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  const first = nest.stripe.dispute(id);
  nest.clock.advance(60);
  const second = nest.stripe.dispute(id);
  await nest.deliverEvents();
  nest.stripe.closeDispute(first.id, "won");
  await nest.deliverEvents();
  expect(await stored()).toMatchObject({ disputeStatus: "needs_response" });
  expect(await entitlement()).toBeNull();
  nest.stripe.closeDispute(second.id, "won");
  await nest.deliverEvents();
  expect(await stored()).toMatchObject({ disputeStatus: "won" });
  expect(await entitlement()).toEqual(expect.any(String));
});

test("keeps the status of the older open dispute when a newer one is won", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  nest.stripe.dispute(id);
  nest.clock.advance(60);
  nest.stripe.closeDispute(nest.stripe.dispute(id).id, "won");
  await nest.deliverEvents();
  expect(await stored()).toMatchObject({ disputeStatus: "needs_response" });
  expect(await entitlement()).toBeNull();
});

test("does not reopen a closed dispute with an older reading", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  const dispute = nest.stripe.dispute(id);
  const paused = pauseWebhook(nest.environment, nest, 1);
  const answer = paused.post(only("charge.dispute.created"));
  await paused.reached;
  nest.stripe.closeDispute(dispute.id, "won");
  expect((await nest.webhook(only("charge.dispute.closed"))).status).toBe(200);
  paused.resume();
  expect((await answer).statusCode).toBe(200);
  expect(await stored()).toMatchObject({ disputeStatus: "won" });
  await paused.close();
});

test("stores the final status when a dispute's events arrive at the same time, in any order", async () => {
  for (let round = 0; round < 10; round++) {
    const { id } = nest.stripe.createSubscription({ email: `round${round}@example.com` });
    await nest.deliverEvents();
    nest.stripe.closeDispute(nest.stripe.dispute(id).id, "lost");
    const ends = [eventsOf("charge.dispute.created").at(-1), eventsOf("charge.dispute.closed").at(-1)];
    const answers = await Promise.all(ends.map((event) => nest.webhook(event as DoubleEvent)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    await nest.deliverEvents();
    const record = await nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
    expect(record).toMatchObject({ disputeStatus: "lost" });
  }
});
