import { expect, test } from "vitest";
import {
  connect,
  errorOf,
  PRICE,
  startDoubleWithSdk,
} from "#tests/packages/stripe_double/double_with_sdk.ts";
import { expectInvalidTraffic } from "#tests/support/stripe_traffic_check.ts";

test("rejects another secret key with an authentication error", async () => {
  await using running = await startDoubleWithSdk();
  const error = await errorOf(connect(running.double, "sk_test_other").customers.list());
  expect(error).toMatchObject({ type: "StripeAuthenticationError", statusCode: 401 });
  expect(error.requestId).toMatch(/^req_/);
});

test("rejects an API version other than the SDK's", async () => {
  await using running = await startDoubleWithSdk();
  const call = running.stripe.customers.list({}, { apiVersion: "2020-08-27" });
  expect(await errorOf(call)).toMatchObject({ type: "StripeInvalidRequestError", statusCode: 400 });
});

test("returns resource_missing for an unknown id: 404 in the path, 400 in a parameter", async () => {
  await using running = await startDoubleWithSdk();
  const inPath = await errorOf(running.stripe.subscriptions.retrieve("sub_no"));
  expect(inPath).toMatchObject({ statusCode: 404, code: "resource_missing", param: "id" });
  const wanted = { customer: "cus_no", items: [{ price: PRICE }] };
  const inParameter = await errorOf(running.stripe.subscriptions.create(wanted));
  expect(inParameter).toMatchObject({ statusCode: 400, code: "resource_missing", param: "customer" });
});

test("names an invalid parameter as Stripe does", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe } = running;
  const { id: customer } = await stripe.customers.create({ email: "amy@example.com" });
  const tries: [Record<string, unknown>, object][] = [
    [{ customer }, { code: "parameter_missing", param: "items" }],
    [
      { customer, items: [{ price: PRICE }], coupon: "x" },
      { code: "parameter_unknown", param: "coupon" },
    ],
    [
      { customer, items: [{ price: PRICE, color: "red" }] },
      { code: "parameter_unknown", param: "items[0][color]" },
    ],
    [
      { customer, items: [{ price: PRICE }], trial_period_days: "many" },
      { code: "parameter_invalid_integer", param: "trial_period_days" },
    ],
    [
      {
        customer,
        items: [{ price: PRICE }],
        trial_settings: { end_behavior: { missing_payment_method: "shrug" } },
      },
      { param: "trial_settings[end_behavior][missing_payment_method]" },
    ],
    [
      { customer, items: [{ price: "price_no" }] },
      { code: "resource_missing", param: "items[0][price]" },
    ],
  ];
  await expectInvalidTraffic(async () => {
    for (const [params, expected] of tries) {
      const error = await errorOf(stripe.rawRequest("POST", "/v1/subscriptions", params));
      expect(error).toMatchObject({ type: "StripeInvalidRequestError", statusCode: 400, ...expected });
    }
  });
  expect(running.double.subscriptions()).toEqual([]);
  const unnamed = await errorOf(stripe.customers.create({ email: "nobody" }));
  expect(unnamed).toMatchObject({ code: "email_invalid", param: "email" });
});

test("lists customers by exact email address, newest first, and retrieves a deleted customer as deleted", async () => {
  await using running = await startDoubleWithSdk();
  const { customers } = running.stripe;
  const first = await customers.create({ email: "amy@example.com", metadata: { user_id: "u1", gone: "x" } });
  const second = await customers.create({ email: "amy@example.com" });
  await customers.create({ email: "Amy@example.com" });
  expect((await customers.list({ email: "amy@example.com" })).data.map(({ id }) => id)).toEqual([
    second.id,
    first.id,
  ]);
  const updated = await customers.update(first.id, { name: "Amy", metadata: { gone: "", more: "y" } });
  expect(updated).toMatchObject({ name: "Amy", metadata: { user_id: "u1", more: "y" } });
  expect(updated.metadata).not.toHaveProperty("gone");
  await customers.del(first.id);
  expect(await customers.retrieve(first.id)).toMatchObject({ id: first.id, deleted: true });
  expect((await customers.list({ email: "amy@example.com" })).data).toHaveLength(1);
  expect((await errorOf(customers.update(first.id, { name: "B" }))).code).toBe("resource_missing");
});

test("pages through lists forwards and backwards", async () => {
  await using running = await startDoubleWithSdk();
  const { customers } = running.stripe;
  for (let count = 0; count < 7; count++) await customers.create({ name: `n${count}` });
  const all = await customers.list({ limit: 3 }).autoPagingToArray({ limit: 100 });
  expect(all.map(({ name }) => name)).toEqual(["n6", "n5", "n4", "n3", "n2", "n1", "n0"]);
  const page = await customers.list({ limit: 2, ending_before: all[4]?.id });
  expect(page).toMatchObject({ has_more: true, url: "/v1/customers" });
  expect(page.data.map(({ name }) => name)).toEqual(["n4", "n3"]);
  expect((await customers.list({ limit: 7 })).has_more).toBe(false);
  expect(await errorOf(customers.list({ limit: 101 }))).toMatchObject({ param: "limit" });
  expect(await errorOf(customers.list({ starting_after: "cus_no" }))).toMatchObject({
    param: "starting_after",
  });
});

test("expands references in objects and in lists", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const promotion = double.createPromotionCode({ percentOff: 50 });
  const { id } = double.createSubscription({ email: "amy@example.com", promotionCode: promotion.id });
  const plain = await stripe.subscriptions.retrieve(id);
  expect(typeof plain.customer).toBe("string");
  const rich = await stripe.subscriptions.retrieve(id, {
    expand: ["customer", "discounts.promotion_code", "latest_invoice.payments.data.payment"],
  });
  expect(rich).toMatchObject({
    customer: { email: "amy@example.com" },
    discounts: [{ promotion_code: { id: promotion.id } }],
    latest_invoice: { amount_paid: 249, payments: { data: [{ status: "paid", amount_paid: 249 }] } },
  });
  const list = await stripe.subscriptions.list({ expand: ["data.customer", "data.latest_invoice"] });
  expect(list.data[0]).toMatchObject({
    customer: { email: "amy@example.com" },
    latest_invoice: { status: "paid" },
  });
  for (const path of ["color", "status", "a.b.c.d.e"]) {
    expect(await errorOf(stripe.subscriptions.retrieve(id, { expand: [path] }))).toMatchObject({
      statusCode: 400,
      param: "expand",
    });
  }
  expect(await errorOf(stripe.subscriptions.list({ expand: ["customer"] }))).toMatchObject({
    statusCode: 400,
  });
});

test("has the seeded product and price, and creates others", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe } = running;
  const seeded = await stripe.prices.retrieve(PRICE, { expand: ["product"] });
  expect(seeded).toMatchObject({ currency: "gbp", unit_amount: 499, product: { id: "prod_default" } });
  expect(seeded.unit_amount_decimal?.toString()).toBe("499");
  const product = await stripe.products.create({ name: "Other" });
  const price = await stripe.prices.create({
    currency: "gbp",
    product: product.id,
    unit_amount: 1000,
    recurring: { interval: "year" },
  });
  expect(await stripe.prices.retrieve(price.id)).toMatchObject({ product: product.id, type: "recurring" });
});

test("shows the customer in the billing portal and cancels a subscription there", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id, customer } = double.createSubscription({ email: "<amy>@example.com" });
  const session = await stripe.billingPortal.sessions.create({ customer });
  expect(session.url).toContain(double.url);
  const page = await (await fetch(session.url)).text();
  expect(page).toContain("&lt;amy&gt;@example.com");
  const body = new URLSearchParams({ action: "cancel", subscription: id });
  await fetch(session.url, { method: "POST", body });
  const subscription = await stripe.subscriptions.retrieve(id);
  expect(subscription).toMatchObject({
    status: "active",
    cancel_at_period_end: false,
    cancel_at: subscription.items.data[0]?.current_period_end,
  });
  expect((await fetch(`${double.url}/p/session/bps_no`)).status).toBe(404);
});

test("links back to the session's return_url, or else to the portal's default", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { customer } = double.createSubscription({ email: "amy@example.com" });
  const links = async (params: object) => {
    const { url } = await stripe.billingPortal.sessions.create({ customer, ...params });
    return [...(await (await fetch(url)).text()).matchAll(/<a href="([^"]*)"/g)].map(([, href]) => href);
  };
  expect(await links({})).toEqual([]);
  double.portalReturnsTo("http://localhost:3000/");
  expect(await links({})).toEqual(["http://localhost:3000/"]);
  expect(await links({ return_url: "https://beak.example/" })).toEqual(["https://beak.example/"]);
  expect(await links({ return_url: "javascript:alert(1)" })).toEqual([]);
});

test("changes the card, pays an open invoice and undoes a cancellation in the billing portal", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id, customer } = double.createSubscription({ email: "amy@example.com", card: { declines: true } });
  const { url } = await stripe.billingPortal.sessions.create({ customer });
  const press = async (form: Record<string, string>) => {
    const answer = await fetch(url, { method: "POST", body: new URLSearchParams(form), redirect: "manual" });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, new URL(url).pathname]);
    return double.summary()[0];
  };
  expect(double.summary()[0]).toMatchObject({ status: "incomplete", owed: 499 });
  expect(await press({ action: "pay", subscription: id })).toMatchObject({ status: "incomplete" });
  expect(await press({ action: "card", card: "succeeds" })).toMatchObject({ card: { last4: "4242" } });
  expect(await press({ action: "pay", subscription: id })).toMatchObject({ status: "active", owed: null });
  expect((await press({ action: "cancel", subscription: id }))?.cancelAt).not.toBeNull();
  expect((await press({ action: "keep", subscription: id }))?.cancelAt).toBeNull();
  expect(await press({ action: "dance", subscription: id })).toMatchObject({ status: "active" });
  const other = double.createSubscription({ email: "bob@example.com" });
  await press({ action: "cancel", subscription: other.id });
  expect(double.subscriptions().find((row) => row.id === other.id)?.cancel_at).toBeNull();
});

test("creates, lists, updates and deletes webhook endpoints", async () => {
  await using running = await startDoubleWithSdk();
  const { webhookEndpoints } = running.stripe;
  const made = await webhookEndpoints.create({
    url: "https://nest.example.com/1/webhook/stripe",
    enabled_events: ["customer.subscription.created"],
    api_version: "2026-10-28.endive",
  });
  expect(made.secret).toMatch(/^whsec_/);
  await webhookEndpoints.update(made.id, { enabled_events: ["customer.subscription.deleted"] });
  const [listed] = (await webhookEndpoints.list()).data;
  expect(listed).toMatchObject({ id: made.id, enabled_events: ["customer.subscription.deleted"] });
  expect(listed).not.toHaveProperty("secret");
  await webhookEndpoints.del(made.id);
  expect((await webhookEndpoints.list()).data).toEqual([]);
});

test("records every request with its parameters and status", async () => {
  await using running = await startDoubleWithSdk();
  await running.stripe.customers.create({ email: "amy@example.com" }, { idempotencyKey: "k" });
  expect(running.double.requests).toMatchObject([
    {
      method: "POST",
      path: "/v1/customers",
      params: { email: "amy@example.com" },
      idempotencyKey: "k",
      status: 200,
    },
  ]);
  running.double.clear();
  expect(running.double.requests).toEqual([]);
});
