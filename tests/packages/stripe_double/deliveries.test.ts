import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Stripe from "stripe";
import { expect, test } from "vitest";
import { toAcaciaEvent } from "#stripe_double/acacia_events.ts";
import { startDoubleWithSdk, typesOf } from "#tests/packages/stripe_double/double_with_sdk.ts";

interface WebhookEndpoint extends AsyncDisposable {
  url: string;
  received: Stripe.Event[];
  /** The statuses of the next responses. Then every response is 200. */
  answers: number[];
}

/** Starts a webhook endpoint that verifies every signature with the SDK. */
async function startEndpoint(secret = "whsec_double"): Promise<WebhookEndpoint> {
  const received: Stripe.Event[] = [];
  const answers: number[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const header = request.headers["stripe-signature"] ?? "";
    received.push(Stripe.webhooks.constructEvent(Buffer.concat(chunks), header, secret));
    response.writeHead(answers.shift() ?? 200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answers,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

test("delivers every event with a signature that the SDK accepts", async () => {
  await using endpoint = await startEndpoint();
  await using running = await startDoubleWithSdk({ webhookUrl: endpoint.url });
  const { double } = running;
  const { id } = double.createSubscription({ email: "amy@example.com" });
  await double.settled();
  expect(new Set(endpoint.received.map((event) => event.id))).toEqual(
    new Set(double.events().map((event) => event.id)),
  );
  const created = endpoint.received.find(({ type }) => type === "customer.subscription.created");
  expect(created).toMatchObject({
    api_version: "2026-10-28.endive",
    pending_webhooks: 1,
    data: { object: { id, status: "active" } },
  });
});

test("retries a delivery until the response is 2xx or the last retry has failed", async () => {
  await using endpoint = await startEndpoint();
  await using running = await startDoubleWithSdk({ webhookUrl: endpoint.url, retryDelaysMs: [5, 10] });
  const { stripe, double } = running;
  endpoint.answers.push(500, 503);
  await stripe.customers.create();
  await double.settled();
  expect(double.deliveryAttempts.map(({ attempt, status }) => [attempt, status])).toEqual([
    [1, 500],
    [2, 503],
    [3, 200],
  ]);
  endpoint.answers.push(500, 500, 500);
  await stripe.customers.create();
  await double.settled();
  expect(double.failedDeliveries.map(({ type }) => type)).toEqual(["customer.created"]);
});

test("retries a delivery without a response, at the current URL of the endpoint", async () => {
  await using endpoint = await startEndpoint();
  await using running = await startDoubleWithSdk({
    webhookUrl: "http://127.0.0.1:1",
    retryDelaysMs: [100, 100],
  });
  const { stripe, double } = running;
  await stripe.customers.create();
  double.deliverTo(endpoint.url);
  await double.settled();
  expect(endpoint.received).toHaveLength(1);
});

test("duplicates and shuffles events", async () => {
  await using endpoint = await startEndpoint();
  await using running = await startDoubleWithSdk({ webhookUrl: endpoint.url });
  const { double } = running;
  double.configureDeliveries({ duplicates: 2, shuffle: 3 });
  for (let count = 0; count < 5; count++) double.createSubscription({ email: `n${count}@example.com` });
  await double.settled();
  const order = double.events().map(({ id }) => id);
  const arrived = endpoint.received.map(({ id }) => id);
  expect(arrived).toHaveLength(3 * order.length);
  for (const id of order) expect(arrived.filter((other) => other === id)).toHaveLength(3);
  const firsts = [...new Set(arrived)];
  expect(firsts).not.toEqual(order);
});

test("holds events until they are delivered one by one or flushed", async () => {
  await using endpoint = await startEndpoint();
  await using running = await startDoubleWithSdk({ webhookUrl: endpoint.url });
  const { double } = running;
  double.configureDeliveries({ isHeld: true });
  const { id } = double.createSubscription({ email: "amy@example.com" });
  double.cancelSubscription(id);
  await double.settled();
  expect(endpoint.received).toEqual([]);
  expect(double.held.map(({ type }) => type)).toEqual(typesOf(double));
  const last = double.held.pop();
  if (last === undefined) throw new Error("No event is held.");
  expect(await double.deliver(last)).toBe(200);
  expect(endpoint.received.map(({ type }) => type)).toEqual(["customer.subscription.deleted"]);
  await double.flush();
  expect(endpoint.received).toHaveLength(double.events().length);
  expect(double.held).toEqual([]);
});

test("signs an event without delivering it", async () => {
  await using running = await startDoubleWithSdk({ signedAt: () => Date.UTC(2030, 0, 1) });
  const { double } = running;
  const event = double.emit("customer.subscription.surprise", { id: "sub_1", object: "subscription" });
  const { body, header } = double.signedEvent(event);
  expect(header).toContain(`t=${Date.UTC(2030, 0, 1) / 1000},v1=`);
  const parsed = Stripe.webhooks.constructEvent(body, header, double.webhookSecret, 300);
  expect(parsed).toEqual(event);
  expect(() => Stripe.webhooks.constructEvent(`${body} `, header, double.webhookSecret)).toThrow();
});

test("renders an event in an older API version", async () => {
  await using running = await startDoubleWithSdk();
  const { double } = running;
  double.createSubscription({ email: "amy@example.com" });
  const event = double.events().find(({ type }) => type === "customer.subscription.created");
  if (event === undefined) throw new Error("No subscription was created.");
  const older = toAcaciaEvent(event);
  expect(older.api_version).toBe("2025-02-24.acacia");
  expect(older.data.object.current_period_end).toBeTypeOf("number");
  expect(JSON.stringify(older.data.object.items)).not.toContain("current_period_end");
});

test("lists events by type and time, and retrieves them for 30 days", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = double.createSubscription({ email: "amy@example.com" });
  const later = double.advance({ days: 3 });
  double.cancelSubscription(id);
  const since = await stripe.events.list({ created: { gte: later } });
  expect(since.data.map(({ type }) => type)).toEqual(["customer.subscription.deleted"]);
  const wanted = { types: ["customer.subscription.created", "payment_intent.succeeded"] };
  const listed = await stripe.events.list(wanted).autoPagingToArray({ limit: 100 });
  expect(listed.map(({ type }) => type)).toEqual([
    "customer.subscription.created",
    "payment_intent.succeeded",
  ]);
  const all = await stripe.events.list({ type: "customer.subscription.*" });
  expect(all.data).toHaveLength(2);
  expect(await stripe.events.retrieve(all.data[0]?.id ?? "")).toMatchObject({ id: all.data[0]?.id });
  double.advance({ days: 40 });
  expect((await stripe.events.list()).data).toEqual([]);
});
