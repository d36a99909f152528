import Stripe from "stripe";
import { expect, test } from "vitest";
import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import { StripeApi } from "#core/services/stripe.ts";
import {
  type DoubleWithSdk,
  PRICE,
  startDoubleWithSdk,
} from "#tests/packages/stripe_double/double_with_sdk.ts";
import { schemaErrors } from "#tests/support/stripe_traffic_check.ts";
import { createEventPoller, type EventPollerOptions } from "#tools/local/stripe_account/event_poller.ts";

const SECRET = "whsec_of_this_run";

/** Starts a poller on a double. The SDK verifies each posted event. */
function startPoller({ double }: DoubleWithSdk, options: Partial<EventPollerOptions> = {}) {
  const posted: Stripe.Event[] = [];
  const bodies: string[] = [];
  /** The statuses of the next responses; null is no response. Then every response is 200. */
  const answers: (number | null)[] = [];
  const poller = createEventPoller({
    stripe: StripeApi.open(double.secretKey, double.url),
    secret: SECRET,
    async post(body, signature) {
      posted.push(Stripe.webhooks.constructEvent(body, signature, SECRET));
      bodies.push(body);
      return answers.length > 0 ? (answers.shift() as number | null) : 200;
    },
    ...options,
  });
  return { poller, posted, bodies, answers };
}

test("posts each event that Nest handles once, oldest first, signed and valid for Stripe's schema", async () => {
  await using running = await startDoubleWithSdk();
  const { poller, posted, bodies } = startPoller(running);
  const { id } = running.double.createSubscription({ email: "amy@example.com", trialDays: 14 });
  running.double.updateSubscription(id, { cancel_at_period_end: true });
  running.double.createSubscription({ email: "bob@example.com" });
  await poller.poll();
  const wanted = running.double
    .events()
    .filter(({ type }) => (STRIPE_EVENT_TYPES as string[]).includes(type));
  expect(posted.map((event) => event.id)).toEqual(wanted.map((event) => event.id));
  expect(bodies.map((body) => JSON.parse(body))).toEqual(wanted);
  expect(await schemaErrors(bodies.map((body) => ({ kind: "event", body, forced: new Map() })))).toEqual([]);
  expect(await poller.poll()).toEqual([]);
  running.double.cancelSubscription(id);
  expect((await poller.poll()).map(({ type }) => type)).toEqual(["customer.subscription.deleted"]);
});

test("retries a failed delivery in its order until the last retry has failed", async () => {
  await using running = await startDoubleWithSdk();
  const { poller, posted, answers } = startPoller(running, { retryDelaysMs: [0, 0] });
  running.double.createSubscription({ email: "amy@example.com", trialDays: 14 });
  // A new trial has two events that Nest handles: invoice.paid and customer.subscription.created.
  answers.push(409);
  expect((await poller.poll()).map(({ status }) => status)).toEqual([409, 200]);
  running.double.createSubscription({ email: "bob@example.com", trialDays: 14 });
  answers.push(null);
  const second = await poller.poll();
  expect(second.map(({ status }) => status)).toEqual([null, 200, 200]);
  expect(posted[2]?.id).toBe(posted[0]?.id);
  answers.push(500);
  expect((await poller.poll()).map(({ status }) => status)).toEqual([500]);
  expect(await poller.poll()).toEqual([]);
});

test("does not retry before the retry is due", async () => {
  await using running = await startDoubleWithSdk();
  const { poller, answers } = startPoller(running, { retryDelaysMs: [60_000] });
  running.double.createSubscription({ email: "amy@example.com", trialDays: 14 });
  answers.push(503);
  expect((await poller.poll()).map(({ status }) => status)).toEqual([503, 200]);
  expect(await poller.poll()).toEqual([]);
});

test("throws when Stripe fails, and posts all events at the next poll", async () => {
  await using running = await startDoubleWithSdk();
  const { poller, posted } = startPoller(running);
  running.double.createSubscription({ email: "amy@example.com", trialDays: 14 });
  running.double.fault({ calls: 9, kind: "rate_limited" });
  await expect(poller.poll()).rejects.toMatchObject({ code: "stripe_error" });
  running.double.fault({ calls: 0, kind: "none" });
  await poller.poll();
  expect(posted.map(({ type }) => type)).toEqual(["invoice.paid", "customer.subscription.created"]);
});

test("posts all events of several pages, also after events in a test clock's future", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { poller, posted } = startPoller(running);
  const frozen_time = Math.floor(Date.now() / 1000) + 90 * 86_400;
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time });
  const { id: customer } = await stripe.customers.create({ test_clock: clock.id });
  await stripe.subscriptions.create({
    customer,
    items: [{ price: PRICE }],
    trial_period_days: 9,
  });
  await poller.poll();
  for (let count = 0; count < 150; count++) {
    double.createSubscription({ email: `n${count}@example.com`, trialDays: 14 });
  }
  await poller.poll();
  expect(posted).toHaveLength(302);
  expect(new Set(posted.map(({ id }) => id)).size).toBe(302);
});

test("ignores events from before the poller was created", async () => {
  await using running = await startDoubleWithSdk({ now: () => Date.now() - 3_600_000 });
  running.double.createSubscription({ email: "amy@example.com" });
  const { poller } = startPoller(running);
  expect(await poller.poll()).toEqual([]);
});
