import { expect, test } from "vitest";
import { errorOf, PRICE, startDoubleWithSdk } from "#tests/packages/stripe_double/double_with_sdk.ts";

test("replays the stored response for the same key and parameters", async () => {
  await using running = await startDoubleWithSdk();
  const params = { email: "amy@example.com", metadata: { a: "1", b: "2" } };
  const first = await running.stripe.customers.create(params, { idempotencyKey: "k" });
  const swapped = { metadata: { b: "2", a: "1" }, email: "amy@example.com" };
  const second = await running.stripe.customers.create(swapped, { idempotencyKey: "k" });
  expect(second.id).toBe(first.id);
  expect(second.lastResponse.headers["idempotent-replayed"]).toBe("true");
  expect(first.lastResponse.headers["idempotent-replayed"]).toBeUndefined();
  expect(running.double.customers()).toHaveLength(1);
});

test("rejects a key that is reused with other parameters or for another operation", async () => {
  await using running = await startDoubleWithSdk();
  const { customers, products } = running.stripe;
  await customers.create({ email: "amy@example.com" }, { idempotencyKey: "k" });
  const other = await errorOf(customers.create({ email: "bob@example.com" }, { idempotencyKey: "k" }));
  expect(other).toMatchObject({ type: "StripeIdempotencyError", statusCode: 400 });
  const elsewhere = await errorOf(products.create({ name: "p" }, { idempotencyKey: "k" }));
  expect(elsewhere.type).toBe("StripeIdempotencyError");
  expect(running.double.customers()).toHaveLength(1);
});

test("returns 409 while the first request of a key still runs", async () => {
  await using running = await startDoubleWithSdk();
  running.double.latency(200);
  const call = () => running.stripe.customers.create({ email: "amy@example.com" }, { idempotencyKey: "k" });
  const outcomes = await Promise.allSettled([call(), call()]);
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  expect(refused).toHaveLength(1);
  expect(refused[0]?.reason).toMatchObject({ statusCode: 409, code: "idempotency_key_in_use" });
  expect(running.double.customers()).toHaveLength(1);
});

test("replays an error of the execution, but not an error of the validation", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe } = running;
  const call = (params: object) => errorOf(stripe.subscriptions.create(params, { idempotencyKey: "k" }));
  expect((await call({ customer: "cus_no" })).code).toBe("parameter_missing");
  const params = { customer: "cus_no", items: [{ price: PRICE }] };
  const first = await call(params);
  const second = await call(params);
  expect(second.code).toBe("resource_missing");
  expect(second.headers?.["idempotent-replayed"]).toBe("true");
  expect(first.headers?.["idempotent-replayed"]).toBeUndefined();
});

test("replays a 500 that followed an executed call, until its idempotency key expires after 24 hours", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const call = () => stripe.customers.create({ email: "amy@example.com" }, { idempotencyKey: "k" });
  double.fault({ calls: 1, kind: "error_after" });
  expect((await errorOf(call())).statusCode).toBe(500);
  expect((await errorOf(call())).statusCode).toBe(500);
  expect(double.customers()).toHaveLength(1);
  double.advance({ hours: 25 });
  await call();
  expect(double.customers()).toHaveLength(2);
});
