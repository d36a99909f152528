import type Stripe from "stripe";
import { expect, test } from "vitest";
import {
  customerWithCard,
  DAY,
  type DoubleWithSdk,
  errorOf,
  PRICE,
  startDoubleWithSdk,
  typesOf,
} from "#tests/packages/stripe_double/double_with_sdk.ts";

const gbp = (amount: number) => ({ amount, currency: "gbp" });

async function latestInvoice({ stripe }: DoubleWithSdk, id: string): Promise<Stripe.Invoice> {
  const { latest_invoice: invoice } = await stripe.subscriptions.retrieve(id, { expand: ["latest_invoice"] });
  if (invoice === null || typeof invoice === "string") throw new Error("The invoice is not expanded.");
  return invoice;
}

/** A subscription whose renewal was declined. */
async function overdue(running: DoubleWithSdk): Promise<{ id: string; invoice: Stripe.Invoice }> {
  const { id } = running.double.createSubscription({ email: "amy@example.com", status: "past_due" });
  return { id, invoice: await latestInvoice(running, id) };
}

test("uses a credit for the next invoices until it is used up", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const params = await customerWithCard(running);
  const customer = params.customer ?? "";
  const credit = await stripe.customers.createBalanceTransaction(customer, gbp(-700));
  expect(credit).toMatchObject({ type: "adjustment", amount: -700, ending_balance: -700, invoice: null });
  const { id } = await stripe.subscriptions.create(params);
  const first = await latestInvoice(running, id);
  expect(first).toMatchObject({
    status: "paid",
    total: 499,
    amount_due: 0,
    starting_balance: -700,
    ending_balance: -201,
  });
  expect((await stripe.invoicePayments.list({ invoice: first.id ?? "" })).data).toEqual([]);
  expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: -201, currency: "gbp" });
  double.advance({ days: 31 });
  expect(await latestInvoice(running, id)).toMatchObject({
    amount_due: 298,
    amount_paid: 298,
    ending_balance: 0,
  });
  const { data } = await stripe.customers.listBalanceTransactions(customer);
  expect(data.map(({ type, amount }) => [type, amount])).toEqual([
    ["applied_to_invoice", 201],
    ["applied_to_invoice", 499],
    ["adjustment", -700],
  ]);
  expect(typesOf(double, "charge.succeeded")).toHaveLength(1);
});

test("adds a debit to the next invoice", async () => {
  await using running = await startDoubleWithSdk();
  const params = await customerWithCard(running);
  await running.stripe.customers.createBalanceTransaction(params.customer ?? "", gbp(100));
  const { id } = await running.stripe.subscriptions.create(params);
  expect(await latestInvoice(running, id)).toMatchObject({ total: 499, amount_due: 599, amount_paid: 599 });
});

test("repeats a balance transaction's response for its idempotency key, without a second credit", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe } = running;
  const { id } = await stripe.customers.create({ email: "amy@example.com" });
  const credit = () => stripe.customers.createBalanceTransaction(id, gbp(-250), { idempotencyKey: "credit" });
  expect((await credit()).id).toBe((await credit()).id);
  expect(await stripe.customers.retrieve(id)).toMatchObject({ balance: -250 });
});

test("rejects a balance transaction with amount 0, in another currency, and of a deleted customer", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe } = running;
  const { id } = await stripe.customers.create({ email: "amy@example.com" });
  const credit = (amount: number, currency = "gbp") =>
    stripe.customers.createBalanceTransaction(id, { amount, currency });
  expect((await errorOf(credit(0))).statusCode).toBe(400);
  await credit(-1);
  expect((await errorOf(credit(-1, "jpy"))).param).toBe("currency");
  await stripe.customers.del(id);
  expect((await errorOf(credit(-1))).code).toBe("resource_missing");
});

test("voids an open invoice, restores the credit that it used, and activates the subscription", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const params = await customerWithCard(running);
  const customer = params.customer ?? "";
  const { id } = await stripe.subscriptions.create(params);
  await stripe.customers.createBalanceTransaction(customer, gbp(-99));
  double.attachCard(customer, { declines: true });
  double.advance({ days: 31 });
  const invoice = await latestInvoice(running, id);
  expect(invoice).toMatchObject({ status: "open", amount_due: 400 });
  expect((await stripe.customers.retrieve(customer)) as Stripe.Customer).toMatchObject({ balance: 0 });
  expect(await stripe.invoices.voidInvoice(invoice.id ?? "")).toMatchObject({ status: "void" });
  expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: -99 });
  expect((await stripe.subscriptions.retrieve(id)).status).toBe("active");
  expect((await errorOf(stripe.invoices.voidInvoice(invoice.id ?? ""))).statusCode).toBe(400);
  expect(typesOf(double, "invoice.voided")).toHaveLength(1);
  const open = await stripe.invoices.list({ subscription: id, status: "open" });
  const voided = await stripe.invoices.list({ subscription: id, status: "void" });
  expect([open.data.length, voided.data.length]).toEqual([0, 1]);
});

test("expires an incomplete subscription whose only invoice is voided", async () => {
  await using running = await startDoubleWithSdk();
  const { id } = running.double.createSubscription({ email: "amy@example.com", status: "incomplete" });
  await running.stripe.invoices.voidInvoice((await latestInvoice(running, id)).id ?? "");
  expect((await running.stripe.subscriptions.retrieve(id)).status).toBe("incomplete_expired");
});

test("marks an invoice uncollectible, after which the subscription is active", async () => {
  await using running = await startDoubleWithSdk();
  const { id, invoice } = await overdue(running);
  expect(await running.stripe.invoices.markUncollectible(invoice.id ?? "")).toMatchObject({
    status: "uncollectible",
    status_details: { uncollectible: { reason: "user_forgiven" } },
  });
  expect((await running.stripe.subscriptions.retrieve(id)).status).toBe("active");
  expect(typesOf(running.double, "invoice.marked")).toEqual(["invoice.marked_uncollectible"]);
});

test("pays an invoice out of band, without a payment that could be refunded", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe } = running;
  const { id, invoice } = await overdue(running);
  const paid = await stripe.invoices.pay(invoice.id ?? "", { paid_out_of_band: true });
  expect(paid).toMatchObject({ status: "paid", amount_paid: 499, amount_paid_off_stripe: 499 });
  expect((await stripe.subscriptions.retrieve(id)).status).toBe("active");
  const { data } = await stripe.invoicePayments.list({ invoice: invoice.id ?? "", status: "paid" });
  expect(data).toEqual([]);
});

test.each([
  ["void", "void"],
  ["keep_as_draft", "draft"],
  ["mark_uncollectible", "uncollectible"],
] as const)(
  "renews with paused collection %s: the invoice is %s and nothing is charged",
  async (behavior, status) => {
    await using running = await startDoubleWithSdk();
    const { stripe, double } = running;
    const { id } = await stripe.subscriptions.create(await customerWithCard(running));
    const { current_period_end: end = 0 } = (await stripe.subscriptions.retrieve(id)).items.data[0] ?? {};
    const paused = await stripe.subscriptions.update(id, {
      pause_collection: { behavior, resumes_at: end + 40 * DAY },
    });
    expect(paused.pause_collection).toEqual({ behavior, resumes_at: end + 40 * DAY });
    double.advance({ days: 32 });
    const renewed = await stripe.subscriptions.retrieve(id);
    expect([renewed.status, renewed.items.data[0]?.current_period_start]).toEqual(["active", end]);
    expect(await latestInvoice(running, id)).toMatchObject({ status, amount_paid: 0, auto_advance: false });
    expect(typesOf(double, "charge.succeeded")).toHaveLength(1);
    double.advance({ days: 64 });
    const resumed = await stripe.subscriptions.retrieve(id);
    expect([resumed.pause_collection, resumed.status]).toEqual([null, "active"]);
    expect(await latestInvoice(running, id)).toMatchObject({ status: "paid", amount_paid: 499 });
  },
);

test("ends a pause of collection when it is unset, and rejects a resumption in the past", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = await stripe.subscriptions.create(await customerWithCard(running));
  await stripe.subscriptions.update(id, { pause_collection: { behavior: "void" } });
  expect((await stripe.subscriptions.update(id, { pause_collection: "" })).pause_collection).toBeNull();
  const past = { behavior: "void", resumes_at: double.now() - 1 } as const;
  expect((await errorOf(stripe.subscriptions.update(id, { pause_collection: past }))).statusCode).toBe(400);
});

test("pauses a subscription whose trial ends without a card, and resumes it with a payment", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id, customer } = double.createSubscription({
    email: "amy@example.com",
    trialDays: 5,
    missingPaymentMethod: "pause",
  });
  double.advance({ days: 6 });
  expect((await stripe.subscriptions.retrieve(id)).status).toBe("paused");
  double.attachCard(customer);
  expect((await stripe.subscriptions.resume(id)).status).toBe("active");
  const seen = typesOf(double, "customer.subscription");
  expect(seen).toContain("customer.subscription.paused");
  expect(seen).toContain("customer.subscription.resumed");
  expect((await latestInvoice(running, id)).amount_paid).toBe(499);
});

test("announces the end of a trial again when it is moved, and at once if it is near", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = double.createSubscription({ email: "amy@example.com", trialDays: 5 });
  const announced = () => typesOf(double, "customer.subscription.trial_will_end").length;
  double.advance({ days: 3 });
  expect(announced()).toBe(1);
  const move = (trial_end: number) =>
    stripe.subscriptions.update(id, { trial_end, proration_behavior: "none" });
  await move(double.now() + 10 * DAY);
  double.advance({ days: 6 });
  expect(announced()).toBe(1);
  double.advance({ days: 1 });
  expect(announced()).toBe(2);
  await move(double.now() + DAY);
  expect(announced()).toBe(3);
  expect(double.events(1)[0]?.created).toBe(double.now());
});

test("renews items of several products with their own periods, each with its own invoice", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const other = await stripe.products.create({ name: "Another product" });
  const yearly = await stripe.prices.create({
    product: other.id,
    currency: "gbp",
    unit_amount: 3000,
    recurring: { interval: "year" },
  });
  const params = await customerWithCard(running);
  const { id } = await stripe.subscriptions.create({
    ...params,
    items: [{ price: PRICE }, { price: yearly.id }],
  });
  expect((await latestInvoice(running, id)).amount_paid).toBe(3499);
  const ends = async () =>
    (await stripe.subscriptions.retrieve(id)).items.data.map(({ current_period_end }) => current_period_end);
  const [month = 0, year = 0] = await ends();
  expect(year - month).toBeGreaterThan(330 * DAY);
  double.advance({ days: 32 });
  expect(await latestInvoice(running, id)).toMatchObject({
    amount_paid: 499,
    lines: { data: [{ amount: 499 }] },
  });
  const [next = 0, same] = await ends();
  expect([next > month, same]).toEqual([true, year]);
});

/** Changes the quantity of a subscription's only item in each step. */
async function changeQuantity(
  { stripe }: DoubleWithSdk,
  id: string,
  quantities: readonly number[],
  behavior: Stripe.SubscriptionUpdateParams["proration_behavior"] = "create_prorations",
) {
  const item = (await stripe.subscriptions.retrieve(id)).items.data[0]?.id ?? "";
  for (const quantity of quantities)
    await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity }],
      proration_behavior: behavior,
    });
}

/** The amounts of lines. */
const amountsOf = (lines: readonly Stripe.InvoiceLineItem[]) => lines.map(({ amount }) => amount);

test("bills a change within a period with the next invoice, or with its own invoice at once", async () => {
  const now = Date.now();
  await using running = await startDoubleWithSdk({ now: () => now });
  const { stripe, double } = running;
  const { id, items } = await stripe.subscriptions.create(await customerWithCard(running));
  const { current_period_start: start = 0, current_period_end: end = 0 } = items.data[0] ?? {};
  double.advance({ seconds: (end - start) / 2 });
  const half = double.now();
  await changeQuantity(running, id, [3]);
  expect(await latestInvoice(running, id)).toMatchObject({
    total: 499,
    billing_reason: "subscription_create",
  });
  await changeQuantity(running, id, [2], "always_invoice");
  const changed = await latestInvoice(running, id);
  expect(amountsOf(changed.lines.data)).toEqual([-749, 499, -250, 749]);
  expect(changed).toMatchObject({
    ...{ billing_reason: "subscription_update", status: "paid", total: 249, amount_paid: 249 },
    lines: { data: Array(4).fill({ period: { start: half, end }, discountable: false }), has_more: false },
  });
  await changeQuantity(running, id, [2], "always_invoice");
  await changeQuantity(running, id, [1]);
  await changeQuantity(running, id, [5], "none");
  double.advance({ seconds: end - half });
  const renewed = await latestInvoice(running, id);
  expect(amountsOf(renewed.lines.data)).toEqual([-499, 250, 5 * 499]);
  expect(renewed.lines.data.map(({ parent }) => parent?.subscription_item_details?.proration)).toEqual([
    true,
    true,
    false,
  ]);
});

test("contains the first 10 lines of an invoice, and lists all of them, newest change first", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = await stripe.subscriptions.create(await customerWithCard(running));
  await changeQuantity(running, id, [2, 3, 4, 5, 6, 7]);
  double.advance({ days: 32 });
  const invoice = await latestInvoice(running, id);
  const pence = [-6, 7, -5, 6, -4, 5, -3, 4, -2, 3, -1, 2, 7].map((quantity) => quantity * 499);
  expect(amountsOf(invoice.lines.data)).toEqual(pence.slice(0, 10));
  expect(invoice).toMatchObject({ total: 13 * 499, lines: { has_more: true } });
  const first = await stripe.invoices.listLineItems(invoice.id ?? "", { limit: 10 });
  const idsOf = (lines: readonly Stripe.InvoiceLineItem[]) => lines.map((line) => line.id);
  expect([idsOf(first.data), first.has_more]).toEqual([idsOf(invoice.lines.data), true]);
  expect(`/v1/invoices/${invoice.id}/lines`).toBe(invoice.lines.url);
  const starting_after = first.data.at(-1)?.id ?? "";
  const rest = await stripe.invoices.listLineItems(invoice.id ?? "", { starting_after });
  expect([amountsOf(rest.data), rest.has_more]).toEqual([pence.slice(10), false]);
  const paid = double.events().findLast(({ type }) => type === "invoice.paid");
  expect(paid?.data.object).toMatchObject({
    id: invoice.id,
    lines: { data: { length: 10 }, has_more: true },
  });
  expect((await errorOf(stripe.invoices.listLineItems("in_none"))).statusCode).toBe(404);
});
