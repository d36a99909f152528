import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { PRICE_ID, startNest, type TestNest } from "#tests/support/nest.ts";
import { pauseWebhook } from "#tests/support/paused_webhook.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const created = (id: string) => nest.eventOf("customer.subscription.created", id);
const stored = (id: string) => nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
const returnsOf = async (id: string) => (await stored(id))?.returns as Record<string, object>;
const posted = (path: string) =>
  nest.stripe.requests.filter((request) => request.method === "POST" && request.path === path);
const statusesOf = (answers: [type: string, status: number][]) => [
  ...new Set(answers.map(([, status]) => status)),
];
/** Creates two subscriptions of one user. The second one is rejected. */
const buyTwice = () => {
  const first = nest.stripe.createSubscription({ email: ADA });
  nest.clock.advance(5);
  return { first, second: nest.stripe.createSubscription({ email: ADA }) };
};

test.each(["won", "lost"] as const)(
  "rejects a subscription whose payment is disputed, and refunds the payment only when the dispute is won (%s)",
  async (outcome) => {
    const { second } = buyTwice();
    const dispute = nest.stripe.dispute(second.id);
    for (let copy = 0; copy < 2; copy++) expect(statusesOf(await nest.deliverEvents())).toEqual([200]);
    expect(await stored(second.id)).toMatchObject({ status: "canceled", refundedAt: expect.any(String) });
    expect(nest.mailSubjects()).toContain("Duplicate Beak Subscription");
    expect(nest.logged("refund_disputed")).toHaveLength(1);
    expect(nest.stripe.refunds()).toEqual([]);
    nest.stripe.closeDispute(dispute.id, outcome);
    expect(statusesOf(await nest.deliverEvents())).toEqual([200]);
    expect(nest.stripe.refunds().map(({ amount }) => amount)).toEqual(outcome === "won" ? [499] : []);
  },
);

test("refunds a duplicate whose dispute was won before the subscription was stored", async () => {
  const { second } = buyTwice();
  nest.stripe.closeDispute(nest.stripe.dispute(second.id).id, "won");
  nest.clock.advance(2 * DAY);
  const events = nest.stripe.events();
  const isOfDispute = ({ type }: { type: string }) => type.startsWith("charge.dispute.");
  for (const event of events.filter(isOfDispute)) expect((await nest.webhook(event)).status).toBe(200);
  for (const event of events.filter((event) => !isOfDispute(event))) await nest.webhook(event);
  expect(nest.stripe.refunds()).toMatchObject([{ amount: 499 }]);
});

test("refunds nothing when a dispute of the kept subscription is won", async () => {
  const { first } = buyTwice();
  await nest.deliverEvents();
  const before = nest.stripe.refunds();
  nest.stripe.closeDispute(nest.stripe.dispute(first.id).id, "won");
  expect(statusesOf(await nest.deliverEvents())).toEqual([200]);
  expect(nest.stripe.refunds()).toEqual(before);
});

test("refunds every payment once, including the others of a subscription with a disputed payment", async () => {
  const { first, second } = buyTwice();
  nest.clock.advance(65 * DAY);
  nest.stripe.advance(0);
  const paid = nest.stripe
    .events()
    .filter(({ type }) => type === "payment_intent.succeeded")
    .map(({ data }) => data.object as { id: string; customer: string });
  nest.stripe.dispute(second.id);
  for (let copy = 0; copy < 2; copy++)
    for (const event of nest.stripe.events()) expect((await nest.webhook(event)).status).toBe(200);
  const ofSecond = paid.filter(({ customer }) => customer === second.customer).map(({ id }) => id);
  expect(ofSecond).toHaveLength(3);
  const refunded = nest.stripe.refunds().map(({ payment_intent }) => payment_intent);
  expect(refunded.toSorted()).toEqual(ofSecond.slice(0, 2).toSorted());
  expect(await stored(first.id)).toMatchObject({ status: "active", rejectedAt: null });
});

test("refunds many payments concurrently within the time limit of one event", async () => {
  const { first, second } = buyTwice();
  nest.clock.advance(300 * DAY);
  nest.stripe.advance(0);
  expect((await nest.webhook(created(first.id))).status).toBe(200);
  nest.stripe.clear();
  // Slow enough for concurrent requests to overlap.
  nest.stripe.latency(40);
  expect((await nest.webhook(created(second.id))).status).toBe(200);
  expect(nest.stripe.refunds()).toHaveLength(10);
  const asked = nest.stripe.requests.map(({ path }) => path);
  const from = asked.indexOf("/v1/invoice_payments");
  expect(new Set(asked.slice(from, from + 5))).toEqual(new Set(["/v1/invoice_payments"]));
});

test("retries a failed refund with its event, and refunds the other payments", async () => {
  const { first, second } = buyTwice();
  nest.clock.advance(65 * DAY);
  nest.stripe.advance(0);
  expect((await nest.webhook(created(first.id))).status).toBe(200);
  nest.stripe.fault({ calls: 1, kind: "error", on: "POST /v1/refunds" });
  expect((await nest.webhook(created(second.id))).body.code).toBe("stripe_error");
  expect(nest.stripe.refunds()).toHaveLength(2);
  for (const event of nest.stripe.events()) expect((await nest.webhook(event)).status).toBe(200);
  expect(nest.stripe.refunds()).toHaveLength(3);
  expect(await stored(second.id)).toMatchObject({ refundedAt: expect.any(String) });
});

test("finishes a refund whose other call failed at Stripe after both had planned it", async () => {
  const { first, second } = buyTwice();
  expect((await nest.webhook(created(first.id))).status).toBe(200);
  const slow = pauseWebhook(nest.environment, nest, 1, "SubscriptionRepository.planReturns");
  const answer = slow.post(created(second.id));
  await slow.reached;
  nest.stripe.fault({ calls: 1, kind: "error", on: "POST /v1/refunds" });
  const deleted = nest.eventOf("customer.subscription.deleted", second.id);
  expect((await nest.webhook(deleted)).body.code).toBe("stripe_error");
  slow.resume();
  expect((await answer).statusCode).toBe(200);
  await slow.close();
  nest.clock.advance(120);
  expect((await nest.webhook(deleted)).status).toBe(200);
  expect(Object.values(await returnsOf(second.id))).toMatchObject([{ status: "done", amount: 499 }]);
  expect(nest.stripe.refunds()).toHaveLength(1);
});

test("sends a planned refund of a rejection that an earlier release completed without it, at the next event", async () => {
  const { second } = buyTwice();
  await nest.deliverEvents();
  const [source = ""] = Object.keys(await returnsOf(second.id));
  const field = `returns.${source}`;
  const planned = { [`${field}.status`]: "planned", [`${field}.attempts`]: 1, [`${field}.id`]: null };
  await nest.collection("subscriptions").updateOne({ stpSubscriptionId: second.id }, { $set: planned });
  nest.stripe.emit(
    "customer.subscription.updated",
    nest.stripe.subscriptions().find(({ id }) => id === second.id) ?? {},
  );
  expect(statusesOf(await nest.deliverEvents())).toEqual([200]);
  expect(Object.values(await returnsOf(second.id))).toMatchObject([{ status: "done", amount: 499 }]);
  expect(nest.stripe.refunds()).toHaveLength(1);
});

test("voids the open invoice of a rejected subscription when its bank debit fails, and no other invoice", async () => {
  const invoicesOf = async (id: string) => {
    const headers = { authorization: `Bearer ${nest.stripe.secretKey}` };
    const reply = await fetch(`${nest.stripe.url}/v1/invoices?subscription=${id}`, { headers });
    const { data } = (await reply.json()) as { data: { status: string }[] };
    return data.map(({ status }) => status);
  };
  const first = nest.stripe.createSubscription({ email: ADA });
  nest.clock.advance(5);
  const second = nest.stripe.createSubscription({ email: ADA, card: { processes: true } });
  await nest.deliverEvents();
  expect(await invoicesOf(second.id)).toEqual(["open"]);
  nest.stripe.settlePayment(second.id, "failed");
  expect(statusesOf(await nest.deliverEvents())).toEqual([200]);
  expect(await invoicesOf(second.id)).toEqual(["void"]);
  nest.stripe.attachCard(first.customer, { declines: true });
  await nest.passTime(32 * DAY);
  expect(await invoicesOf(first.id)).toEqual(["open", "paid"]);
});

test("does not refund later payments of the same customer for the kept subscription", async () => {
  const first = nest.stripe.createSubscription({ email: ADA });
  nest.clock.advance(5);
  const reply = await fetch(`${nest.stripe.url}/v1/subscriptions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${nest.stripe.secretKey}`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: new URLSearchParams({
      customer: first.customer,
      "items[0][price]": PRICE_ID,
    }),
  });
  expect(reply.status).toBe(200);
  await nest.deliverEvents();
  expect(nest.stripe.refunds()).toHaveLength(1);
  const asked = posted("/v1/refunds").length;
  nest.clock.advance(32 * DAY);
  nest.stripe.advance(0);
  const answers = await nest.deliverEvents();
  expect(answers.map(([type]) => type)).toContain("payment_intent.succeeded");
  expect(statusesOf(answers)).toEqual([200]);
  expect(posted("/v1/refunds")).toHaveLength(asked);
});
