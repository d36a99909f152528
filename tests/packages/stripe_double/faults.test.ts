import { expect, test } from "vitest";
import { errorOf, startDoubleWithSdk } from "#tests/packages/stripe_double/double_with_sdk.ts";

const amy = { email: "amy@example.com" };

test("does not execute a request that fails with error or rate_limited", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const call = () => stripe.customers.create(amy, { idempotencyKey: "k" });
  double.fault({ calls: 1, kind: "error" });
  expect(await errorOf(call())).toMatchObject({ type: "StripeAPIError", statusCode: 500 });
  double.fault({ calls: 1, kind: "rate_limited" });
  expect(await errorOf(call())).toMatchObject({ type: "StripeRateLimitError", statusCode: 429 });
  expect(double.customers()).toEqual([]);
  await call();
  expect(double.customers()).toHaveLength(1);
});

test("executes a request whose response is lost, and replays the response for its idempotency key", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  // The SDK retries once after a closed connection, even with maxNetworkRetries 0.
  double.fault({ calls: 2, kind: "lost" });
  const call = () => stripe.customers.create(amy, { idempotencyKey: "k" });
  expect((await errorOf(call())).type).toBe("StripeConnectionError");
  expect(double.customers()).toHaveLength(1);
  expect((await call()).id).toBe(double.customers()[0]?.id);
  expect(double.customers()).toHaveLength(1);
});

test("never responds to a hanging request, and executes it only with hang_after", async () => {
  await using running = await startDoubleWithSdk({}, { timeout: 200 });
  const { stripe, double } = running;
  double.fault({ calls: 1, kind: "hang" });
  expect((await errorOf(stripe.customers.create(amy))).type).toBe("StripeConnectionError");
  expect(double.customers()).toEqual([]);
  double.fault({ calls: 1, kind: "hang_after" });
  expect((await errorOf(stripe.customers.create(amy))).type).toBe("StripeConnectionError");
  expect(double.customers()).toHaveLength(1);
  expect(double.requests.map(({ status }) => status)).toEqual([null, null]);
});

test("limits a fault to an operation, removes it, and repeats random faults of the same seed", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  double.fault({ calls: 1, kind: "error", on: "POST /v1/subscriptions" });
  await stripe.customers.create(amy);
  double.fault({ calls: 5, kind: "error" });
  double.fault({ calls: 0, kind: "none" });
  await stripe.customers.create(amy);
  const run = async () => {
    double.fault({ calls: Number.POSITIVE_INFINITY, kind: "error", chance: 0.5, seed: 7 });
    const outcomes: boolean[] = [];
    for (let count = 0; count < 12; count++) {
      outcomes.push(
        await stripe.customers.list().then(
          () => true,
          () => false,
        ),
      );
    }
    return outcomes;
  };
  const first = await run();
  expect(await run()).toEqual(first);
  expect(new Set(first).size).toBe(2);
});

test("delays every response by the latency, and removes all state on reset", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  double.latency(150);
  const start = performance.now();
  await stripe.customers.create(amy);
  expect(performance.now() - start).toBeGreaterThan(140);
  double.advance({ days: 1 });
  double.fault({ calls: 9, kind: "error" });
  double.reset();
  expect((await stripe.customers.list()).data).toEqual([]);
  expect((await stripe.products.list()).data).toMatchObject([{ id: "prod_default" }]);
});

test("answers resource_missing for an object while the API is behind its webhooks", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = double.createSubscription({ email: "amy@example.com" });
  double.fault({ calls: 1, kind: "missing", on: `GET /v1/subscriptions/${id}` });
  await stripe.customers.list();
  expect(await errorOf(stripe.subscriptions.retrieve(id))).toMatchObject({
    statusCode: 404,
    code: "resource_missing",
  });
  expect((await stripe.subscriptions.retrieve(id)).id).toBe(id);
});

test("signs a thin event, which names its object", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = double.createSubscription({ email: "amy@example.com" });
  const thin = double.thinEvent("customer.subscription.created", id);
  const { body, header } = double.signedEvent(thin);
  const read = stripe.parseEventNotification(body, header, double.webhookSecret);
  expect(read).toMatchObject({
    type: "v1.customer.subscription.created",
    related_object: { id, type: "subscription", url: `/v1/subscriptions/${id}` },
  });
});
