import type Stripe from "stripe";
import { expect, test } from "vitest";
import {
  customerWithCard,
  DAY,
  type DoubleWithSdk,
  PRICE,
  startDoubleWithSdk,
  typesOf,
} from "#tests/packages/stripe_double/double_with_sdk.ts";

const START = Date.UTC(2027, 0, 31, 12) / 1000;
const frozen = { now: () => START * 1000 };

async function startTrial(
  { stripe }: DoubleWithSdk,
  missing: "cancel" | "create_invoice" | "pause",
): Promise<Stripe.Subscription> {
  const customer = await stripe.customers.create({ email: "amy@example.com" });
  return await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: PRICE }],
    trial_period_days: 14,
    trial_settings: { end_behavior: { missing_payment_method: missing } },
  });
}

test("announces the end of a trial 3 days before, and cancels a trial without a card", async () => {
  await using running = await startDoubleWithSdk(frozen);
  const { stripe, double } = running;
  const { id } = await startTrial(running, "cancel");
  double.advance({ days: 10 });
  expect(typesOf(double, "customer.subscription")).toEqual(["customer.subscription.created"]);
  double.advance({ days: 10 });
  const events = double.events().filter(({ type }) => type.startsWith("customer.subscription"));
  expect(events.map(({ type, created }) => [type, (created - START) / DAY])).toEqual([
    ["customer.subscription.created", 0],
    ["customer.subscription.trial_will_end", 11],
    ["customer.subscription.deleted", 14],
  ]);
  const ended = await stripe.subscriptions.retrieve(id);
  expect(ended).toMatchObject({ status: "canceled", ended_at: START + 14 * DAY });
});

test("pauses or invoices a trial without a card, as its end behavior requires", async () => {
  await using running = await startDoubleWithSdk(frozen);
  const { stripe, double } = running;
  const paused = await startTrial(running, "pause");
  const invoiced = await startTrial(running, "create_invoice");
  double.advance({ days: 14 });
  expect((await stripe.subscriptions.retrieve(paused.id)).status).toBe("paused");
  expect((await stripe.subscriptions.retrieve(invoiced.id)).status).toBe("past_due");
  double.attachCard(String(paused.customer));
  expect((await stripe.subscriptions.resume(paused.id)).status).toBe("active");
  expect(typesOf(double)).toEqual(
    expect.arrayContaining(["customer.subscription.paused", "customer.subscription.resumed"]),
  );
});

test("activates a trial with a card and renews it every month on the same day", async () => {
  await using running = await startDoubleWithSdk(frozen);
  const { stripe, double } = running;
  const { id, customer } = await startTrial(running, "cancel");
  double.attachCard(String(customer));
  double.advance({ days: 14 });
  const active = await stripe.subscriptions.retrieve(id, { expand: ["latest_invoice"] });
  expect(active).toMatchObject({
    status: "active",
    latest_invoice: { status: "paid", amount_paid: 499, billing_reason: "subscription_cycle" },
  });
  const update = double.events().findLast(({ type }) => type === "customer.subscription.updated");
  expect(update?.data.previous_attributes).toMatchObject({ status: "trialing" });
  double.advance({ days: 31 + 30 });
  const paid = await stripe.invoices.list({ subscription: id, status: "paid" });
  expect(paid.data.map(({ amount_paid }) => amount_paid)).toEqual([499, 499, 499, 0]);
  expect(periodOf(await stripe.subscriptions.retrieve(id))).toEqual(["2027-04-14", "2027-05-14"]);
});

test("ends a period that starts on the 31st on the last day of a shorter month", async () => {
  await using running = await startDoubleWithSdk(frozen);
  const { stripe, double } = running;
  const { id } = await stripe.subscriptions.create(await customerWithCard(running));
  expect(periodOf(await stripe.subscriptions.retrieve(id))).toEqual(["2027-01-31", "2027-02-28"]);
  double.advance({ days: 28 });
  expect(periodOf(await stripe.subscriptions.retrieve(id))).toEqual(["2027-02-28", "2027-03-31"]);
});

test("makes a failed renewal past_due, retries it, and activates it when a retry succeeds", async () => {
  await using running = await startDoubleWithSdk(frozen);
  const { stripe, double } = running;
  const wanted = await customerWithCard(running);
  const { id } = await stripe.subscriptions.create(wanted);
  double.attachCard(String(wanted.customer), { declines: true });
  double.advance({ days: 28 });
  const overdue = await stripe.subscriptions.retrieve(id, { expand: ["latest_invoice"] });
  expect(overdue).toMatchObject({ status: "past_due", latest_invoice: { status: "open", attempt_count: 1 } });
  expect(periodOf(overdue)[0]).toBe("2027-02-28");
  double.advance({ days: 3 });
  expect((await stripe.subscriptions.retrieve(id)).status).toBe("past_due");
  double.attachCard(String(wanted.customer));
  double.advance({ days: 2 });
  const recovered = await stripe.subscriptions.retrieve(id, { expand: ["latest_invoice"] });
  expect(recovered).toMatchObject({ status: "active", latest_invoice: { status: "paid", attempt_count: 3 } });
  expect(typesOf(double, "payment_intent.payment_failed")).toHaveLength(2);
});

test("cancels a subscription after the last failed retry", async () => {
  await using running = await startDoubleWithSdk(frozen);
  const { stripe, double } = running;
  const wanted = await customerWithCard(running);
  const { id } = await stripe.subscriptions.create(wanted);
  double.attachCard(String(wanted.customer), { declines: true });
  double.advance({ days: 40 });
  expect(await stripe.subscriptions.retrieve(id)).toMatchObject({
    status: "canceled",
    ended_at: START + (28 + 7) * DAY,
    cancellation_details: { reason: "payment_failed" },
  });
});

test("ends a subscription at its scheduled end without renewing it", async () => {
  await using running = await startDoubleWithSdk(frozen);
  const { stripe, double } = running;
  const atEnd = await stripe.subscriptions.create(await customerWithCard(running));
  await stripe.subscriptions.update(atEnd.id, { cancel_at_period_end: true });
  const atDate = await stripe.subscriptions.create(await customerWithCard(running));
  await stripe.subscriptions.update(atDate.id, { cancel_at: START + 10 * DAY });
  const trial = await startTrial(running, "cancel");
  double.cancelSubscription(trial.id, { isAtPeriodEnd: true });
  double.advance({ days: 30 });
  for (const [id, days] of [
    [atEnd.id, 28],
    [atDate.id, 10],
    [trial.id, 14],
  ] as const) {
    const ended = await stripe.subscriptions.retrieve(id);
    expect(ended).toMatchObject({ status: "canceled", ended_at: START + days * DAY, canceled_at: START });
    expect((await stripe.invoices.list({ subscription: id })).data).toHaveLength(1);
  }
});

test("expires an incomplete subscription 23 hours after its creation", async () => {
  await using running = await startDoubleWithSdk(frozen);
  const { stripe, double } = running;
  const { id } = double.createSubscription({ email: "amy@example.com", status: "incomplete" });
  double.advance({ hours: 22 });
  expect((await stripe.subscriptions.retrieve(id)).status).toBe("incomplete");
  double.advance({ hours: 1 });
  expect((await stripe.subscriptions.retrieve(id)).status).toBe("incomplete_expired");
  expect(typesOf(double)).toContain("payment_intent.canceled");
  expect(double.pay(id)).toBeNull();
});

test("runs what fell due in real time at the next request", async () => {
  let now = START;
  await using running = await startDoubleWithSdk({ now: () => now * 1000 });
  const { id } = await startTrial(running, "cancel");
  now += 15 * DAY;
  expect(await running.stripe.subscriptions.retrieve(id)).toMatchObject({
    status: "canceled",
    ended_at: START + 14 * DAY,
  });
});

test("rejects a negative advance", async () => {
  await using running = await startDoubleWithSdk(frozen);
  expect(() => running.double.advance(-1)).toThrow(RangeError);
  expect(running.double.advance(5)).toBe(START + 5);
});

function periodOf({ items }: Stripe.Subscription): (string | undefined)[] {
  const [item] = items.data;
  return [item?.current_period_start, item?.current_period_end].map((time) =>
    new Date((time ?? 0) * 1000).toISOString().slice(0, 10),
  );
}
