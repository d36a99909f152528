import { expect, test } from "vitest";
import {
  customerWithCard,
  DAY,
  errorOf,
  PRICE,
  startDoubleWithSdk,
  typesOf,
} from "#tests/packages/stripe_double/double_with_sdk.ts";

test("starts a trial without a card, with flexible billing mode", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe } = running;
  const customer = await stripe.customers.create({ email: "amy@example.com" });
  const trial = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: PRICE }],
    trial_period_days: 14,
    trial_settings: { end_behavior: { missing_payment_method: "cancel" } },
    metadata: { trial_id: "t1" },
    payment_settings: { save_default_payment_method: "on_subscription" },
    expand: ["latest_invoice"],
  });
  expect(trial).toMatchObject({
    status: "trialing",
    billing_mode: { type: "flexible" },
    metadata: { trial_id: "t1" },
    trial_settings: { end_behavior: { missing_payment_method: "cancel" } },
    payment_settings: { save_default_payment_method: "on_subscription" },
    latest_invoice: { status: "paid", amount_due: 0 },
  });
  const [item] = trial.items.data;
  expect(item?.current_period_end).toBe(trial.trial_end);
  expect((trial.trial_end ?? 0) - (trial.trial_start ?? 0)).toBe(14 * DAY);
  expect(item?.price.product).toBe("prod_default");
});

test("activates with a card, stays incomplete with a declined card, and is rejected without a card", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const paid = await stripe.subscriptions.create(await customerWithCard(running));
  expect(paid.status).toBe("active");
  const declined = await customerWithCard(running, { declines: true });
  expect((await stripe.subscriptions.create(declined)).status).toBe("incomplete");
  const strict = { ...declined, payment_behavior: "error_if_incomplete" as const };
  expect(await errorOf(stripe.subscriptions.create(strict))).toMatchObject({
    type: "StripeCardError",
    code: "card_declined",
    statusCode: 402,
  });
  const poor = await stripe.customers.create();
  const bare = { customer: poor.id, items: [{ price: PRICE }] };
  expect((await errorOf(stripe.subscriptions.create(bare))).code).toBe("resource_missing");
  const later = await stripe.subscriptions.create({ ...bare, payment_behavior: "default_incomplete" });
  expect(later.status).toBe("incomplete");
  double.attachCard(poor.id);
  await stripe.invoices.pay(String(later.latest_invoice));
  expect((await stripe.subscriptions.retrieve(later.id)).status).toBe("active");
});

test("turns a promotion code into a discount that reduces the invoice", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = double.createPromotionCode({ id: "promo_staff", code: "STAFF", percentOff: 100 });
  const customer = await stripe.customers.create();
  const subscription = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: PRICE }],
    discounts: [{ promotion_code: id }],
    expand: ["discounts", "latest_invoice"],
  });
  expect(subscription).toMatchObject({
    status: "active",
    discounts: [{ promotion_code: "promo_staff" }],
    latest_invoice: { amount_due: 0, subtotal: 499 },
  });
  expect((await stripe.promotionCodes.retrieve(id)).code).toBe("STAFF");
});

test("lists canceled subscriptions only by status, and filters by customer, price and status", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const kept = double.createSubscription({ email: "amy@example.com" });
  const ended = double.createSubscription({ email: "amy@example.com", status: "canceled" });
  const ids = async (params: object) => (await stripe.subscriptions.list(params)).data.map(({ id }) => id);
  expect(await ids({})).toEqual([kept.id]);
  expect(new Set(await ids({ status: "all" }))).toEqual(new Set([ended.id, kept.id]));
  expect(await ids({ status: "canceled" })).toEqual([ended.id]);
  expect(await ids({ customer: ended.customer })).toEqual([]);
  expect(await ids({ customer: ended.customer, status: "all" })).toEqual([ended.id]);
  expect(await ids({ price: "price_other" })).toEqual([]);
});

test("schedules an end with cancel_at_period_end or cancel_at, and removes it", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe } = running;
  const { id, items } = await stripe.subscriptions.create(await customerWithCard(running));
  const end = items.data[0]?.current_period_end;
  const asked = await stripe.subscriptions.update(id, { cancel_at_period_end: true });
  expect(asked).toMatchObject({ cancel_at_period_end: true, cancel_at: end, status: "active" });
  expect(asked.canceled_at).not.toBeNull();
  expect(asked.cancellation_details?.reason).toBe("cancellation_requested");
  const undone = await stripe.subscriptions.update(id, { cancel_at_period_end: false });
  expect(undone).toMatchObject({ cancel_at_period_end: false, cancel_at: null, canceled_at: null });
  const flexible = await stripe.subscriptions.update(id, { cancel_at: "max_period_end" });
  expect(flexible).toMatchObject({ cancel_at_period_end: false, cancel_at: end });
  expect((await stripe.subscriptions.update(id, { cancel_at: "" })).cancel_at).toBeNull();
  const both = { cancel_at_period_end: true, cancel_at: (end ?? 0) + 1 };
  expect((await errorOf(stripe.subscriptions.update(id, both))).statusCode).toBe(400);
});

test("emits the previous attributes of an update, and no event when nothing changes", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = await stripe.subscriptions.create(await customerWithCard(running));
  await stripe.subscriptions.update(id, { metadata: { a: "1" } });
  await stripe.subscriptions.update(id, { metadata: { a: "1" } });
  const updates = double.events().filter(({ type }) => type === "customer.subscription.updated");
  expect(updates).toHaveLength(1);
  expect(updates[0]?.data).toMatchObject({ object: { metadata: { a: "1" } } });
  expect(updates[0]?.data.previous_attributes).toEqual({ metadata: { a: null } });
  expect(updates[0]?.request?.id).toMatch(/^req_/);
});

test("cancels immediately; a second cancellation is 404, and the subscription can still be retrieved", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = await stripe.subscriptions.create(await customerWithCard(running));
  const ended = await stripe.subscriptions.cancel(id, { invoice_now: false, prorate: false });
  expect(ended).toMatchObject({ status: "canceled", cancel_at: null, ended_at: ended.canceled_at });
  expect(ended.ended_at).not.toBeNull();
  expect(await errorOf(stripe.subscriptions.cancel(id))).toMatchObject({
    statusCode: 404,
    code: "resource_missing",
  });
  expect((await errorOf(stripe.subscriptions.update(id, { cancel_at_period_end: true }))).statusCode).toBe(
    400,
  );
  expect((await stripe.subscriptions.retrieve(id)).status).toBe("canceled");
  expect(typesOf(double, "customer.subscription")).toEqual([
    "customer.subscription.created",
    "customer.subscription.deleted",
  ]);
});

test("creates a subscription in every status, each with its own customer", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const statuses = [
    "active",
    "canceled",
    "incomplete",
    "incomplete_expired",
    "past_due",
    "paused",
    "trialing",
    "unpaid",
  ] as const;
  const customers = new Set<string>();
  for (const status of statuses) {
    const made = double.createSubscription({ email: "amy@example.com", status });
    expect(made.status).toBe(status);
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe(status);
    customers.add(made.customer);
  }
  expect(customers.size).toBe(statuses.length);
});

test("overwrites any field of a subscription", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = double.createSubscription({ email: null });
  double.updateSubscription(id, { status: "past_due" });
  expect((await stripe.subscriptions.retrieve(id)).status).toBe("past_due");
  const { items } = await stripe.subscriptions.retrieve(id);
  double.updateSubscription(id, {
    fields: { items: { ...items, data: [] }, status: "a_new_status" },
  });
  expect(await stripe.subscriptions.retrieve(id)).toMatchObject({
    status: "a_new_status",
    items: { data: [] },
  });
  double.advance({ days: 100 });
});

test("starts a period and credits the rest of the old one when a price with another interval is set", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const yearly = await stripe.prices.create({
    ...{ product: "prod_default", currency: "gbp", unit_amount: 3650 },
    recurring: { interval: "year" },
  });
  const details = await customerWithCard(running);
  const { id, items, customer } = await stripe.subscriptions.create({
    ...details,
    items: [{ price: yearly.id }],
  });
  const [item] = items.data;
  double.advance({ days: 65 });
  await stripe.subscriptions.update(id, { items: [{ id: item?.id ?? "", price: PRICE }] });
  const changed = await stripe.subscriptions.retrieve(id, { expand: ["latest_invoice"] });
  expect(changed).toMatchObject({ status: "active", billing_cycle_anchor: double.now() });
  expect(changed.items.data[0]).toMatchObject({ current_period_start: double.now(), price: { id: PRICE } });
  const credit = {
    amount: -3000,
    period: { start: double.now(), end: item?.current_period_end },
    parent: { subscription_item_details: { proration: true } },
  };
  expect(changed.latest_invoice).toMatchObject({
    ...{ status: "paid", billing_reason: "subscription_update", total: -2501, amount_due: 0 },
    lines: { data: [credit, { amount: 499, parent: { subscription_item_details: { proration: false } } }] },
  });
  expect(await stripe.customers.retrieve(String(customer))).toMatchObject({ balance: -2501 });
  await stripe.subscriptions.update(id, { items: [{ id: item?.id ?? "", price: yearly.id }] });
  const back = await stripe.subscriptions.retrieve(id, { expand: ["latest_invoice"] });
  expect(back.latest_invoice).toMatchObject({
    status: "paid",
    total: 3151,
    amount_due: 650,
    amount_paid: 650,
  });
});

test("credits nothing for a change of interval without prorations", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe } = running;
  const yearly = await stripe.prices.create({
    ...{ product: "prod_default", currency: "gbp", unit_amount: 3650 },
    recurring: { interval: "year" },
  });
  const { id, items } = await stripe.subscriptions.create(await customerWithCard(running));
  const changes = [{ id: items.data[0]?.id ?? "", price: yearly.id }];
  const { latest_invoice } = await stripe.subscriptions.update(id, {
    ...{ items: changes, proration_behavior: "none", expand: ["latest_invoice"] },
  });
  expect(latest_invoice).toMatchObject({
    total: 3650,
    amount_paid: 3650,
    lines: { data: [{ amount: 3650 }] },
  });
});
