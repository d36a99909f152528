import type Stripe from "stripe";
import { describe, expect, test } from "vitest";
import {
  type DoubleWithSdk,
  errorOf,
  PRICE,
  startDoubleWithSdk,
  typesOf,
} from "#tests/packages/stripe_double/double_with_sdk.ts";

const SUCCESS = "https://app.example/thanks?session={CHECKOUT_SESSION_ID}";
const CANCEL = "https://app.example/plans";

async function order({ stripe }: DoubleWithSdk, change: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  const customer = await stripe.customers.create({ email: "amy@example.com" });
  return {
    mode: "subscription",
    customer: customer.id,
    client_reference_id: "user_1",
    line_items: [{ price: PRICE, quantity: 1 }],
    success_url: SUCCESS,
    cancel_url: CANCEL,
    subscription_data: { metadata: { user_id: "user_1" } },
    ...change,
  } satisfies Stripe.Checkout.SessionCreateParams;
}

/** Submits the form of the page. @returns the response, not redirected */
function press(url: string | null, fields: Record<string, string>): Promise<Response> {
  return fetch(String(url), { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
}

test("a paid session creates an active subscription with its metadata and card, and returns the customer to success_url", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const session = await stripe.checkout.sessions.create(await order(running));
  expect(session).toMatchObject({ status: "open", payment_status: "unpaid", subscription: null });
  expect(session.expires_at - session.created).toBe(86_400);
  const answer = await press(session.url, { card: "succeeds" });
  expect([answer.status, answer.headers.get("location")]).toEqual([
    303,
    SUCCESS.replace("{CHECKOUT_SESSION_ID}", session.id),
  ]);
  const paid = await stripe.checkout.sessions.retrieve(session.id, { expand: ["subscription"] });
  expect(paid).toMatchObject({ status: "complete", payment_status: "paid", url: null, amount_total: 499 });
  const subscription = paid.subscription as Stripe.Subscription;
  expect(subscription).toMatchObject({ status: "active", metadata: { user_id: "user_1" } });
  expect(subscription.default_payment_method).toEqual(expect.any(String));
  expect(typesOf(double).at(-1)).toBe("checkout.session.completed");
  expect(typesOf(double)).toContain("customer.subscription.created");
});

test("a declined card leaves the session open and an incomplete subscription, which the next card pays", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const session = await stripe.checkout.sessions.create(await order(running));
  const answer = await press(session.url, { card: "declines" });
  expect([answer.status, answer.headers.get("location")]).toEqual([
    303,
    new URL(String(session.url)).pathname,
  ]);
  expect(await (await fetch(String(session.url))).text()).toContain("Your card was declined.");
  expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
    ...{ status: "open", payment_status: "unpaid", subscription: null },
  });
  const [subscription] = double.subscriptions();
  expect(subscription).toMatchObject({ status: "incomplete", metadata: { user_id: "user_1" } });
  const [intent] = (await stripe.paymentIntents.list()).data;
  expect(intent).toMatchObject({ status: "requires_payment_method", amount: 499 });
  expect(typesOf(double, "payment_intent.")).toEqual([
    "payment_intent.created",
    "payment_intent.payment_failed",
  ]);

  expect(double.payCheckout(session.id, { card: { declines: true } })).toBeNull();
  expect(double.payCheckout(session.id)).toBe(subscription?.id);
  expect(double.subscriptions()).toMatchObject([{ status: "active" }]);
  expect(await stripe.paymentIntents.retrieve(String(intent?.id))).toMatchObject({ status: "succeeded" });
  expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
    ...{ status: "complete", payment_status: "paid", subscription: subscription?.id },
  });
  expect(double.ledger().charges.filter(({ paid }) => paid)).toHaveLength(1);
});

test("a session that expires after a declined card ends its subscription and voids the invoice", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const session = await stripe.checkout.sessions.create(await order(running));
  double.payCheckout(session.id, { card: { declines: true } });
  await stripe.checkout.sessions.expire(session.id);
  expect(double.subscriptions()).toMatchObject([{ status: "incomplete_expired" }]);
  expect(double.ledger().invoices).toMatchObject([{ status: "void" }]);
});

test("another promotion code after a declined card begins another subscription at its price", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  double.createPromotionCode({ id: "promo_half", code: "HALF", percentOff: 50 });
  const session = await stripe.checkout.sessions.create(
    await order(running, { allow_promotion_codes: true }),
  );
  double.payCheckout(session.id, { card: { declines: true } });
  double.payCheckout(session.id, { promotionCode: "half" });
  expect(double.subscriptions().map(({ status }) => status)).toEqual(["incomplete_expired", "active"]);
  expect(double.ledger().charges.filter(({ paid }) => paid)).toMatchObject([{ amount: 249 }]);
});

describe("a bank debit", () => {
  const debit = { card: { processes: true } };
  const statusesOf = async ({ stripe }: DoubleWithSdk, id: string) => {
    const found = await stripe.checkout.sessions.retrieve(id, { expand: ["subscription"] });
    return [found.status, found.payment_status, (found.subscription as Stripe.Subscription).status];
  };

  test.each([
    ["active", false, "succeeded", ["complete", "paid", "active"]],
    ["active", false, "failed", ["complete", "unpaid", "past_due"]],
    ["incomplete", true, "succeeded", ["complete", "paid", "active"]],
    ["incomplete", true, "failed", ["complete", "unpaid", "incomplete"]],
  ] as const)(
    "completes its session unpaid with a subscription that is %s (%s), and tells when it has %s",
    async (first, isIncompleteUntilPaid, outcome, last) => {
      await using running = await startDoubleWithSdk();
      const { stripe, double } = running;
      const { id } = await stripe.checkout.sessions.create(await order(running));
      const subscription = double.payCheckout(id, { ...debit, isIncompleteUntilPaid }) ?? "";
      expect(await statusesOf(running, id)).toEqual(["complete", "unpaid", first]);
      expect(typesOf(double, "checkout.")).toEqual(["checkout.session.completed"]);
      double.advance({ hours: 20 });
      expect(await statusesOf(running, id)).toEqual(["complete", "unpaid", first]);
      double.settlePayment(subscription, outcome);
      expect(await statusesOf(running, id)).toEqual(last);
      expect(typesOf(double, "checkout.").at(-1)).toBe(`checkout.session.async_payment_${outcome}`);
      double.attachCard(double.subscriptions()[0]?.customer ?? "");
      double.pay(subscription);
      expect(typesOf(double, "checkout.")).toHaveLength(2);
    },
  );

  test("that fails late leaves an incomplete subscription to expire", async () => {
    await using running = await startDoubleWithSdk();
    const { stripe, double } = running;
    const { id } = await stripe.checkout.sessions.create(await order(running));
    const subscription = double.payCheckout(id, { ...debit, isIncompleteUntilPaid: true }) ?? "";
    double.advance({ days: 5 });
    double.settlePayment(subscription, "failed");
    double.advance(0);
    expect(double.subscriptions()).toMatchObject([{ status: "incomplete_expired" }]);
    expect(double.ledger().invoices).toMatchObject([{ status: "void" }]);
  });

  test("that is processing after a declined card pays the same subscription", async () => {
    await using running = await startDoubleWithSdk();
    const { stripe, double } = running;
    const { id } = await stripe.checkout.sessions.create(await order(running));
    double.payCheckout(id, { card: { declines: true } });
    const subscription = double.payCheckout(id, debit) ?? "";
    double.settlePayment(subscription, "succeeded");
    expect(await statusesOf(running, id)).toEqual(["complete", "paid", "active"]);
    expect(double.subscriptions()).toHaveLength(1);
  });
});

test("the page of a paid session neither charges again nor shows a form", async () => {
  await using running = await startDoubleWithSdk();
  const session = await running.stripe.checkout.sessions.create(await order(running));
  await press(session.url, { card: "succeeds" });
  const again = await press(session.url, { card: "succeeds" });
  expect(await again.text()).toContain("This checkout is complete");
  expect(running.double.subscriptions()).toHaveLength(1);
});

test("a session expires by request or with time, and can't be paid or expired again", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const first = await stripe.checkout.sessions.create(await order(running));
  expect(await stripe.checkout.sessions.expire(first.id)).toMatchObject({ status: "expired", url: null });
  const error = await errorOf(stripe.checkout.sessions.expire(first.id));
  expect([error.statusCode, error.message]).toEqual([400, expect.stringContaining("status of `expired`")]);
  expect(() => double.payCheckout(first.id)).toThrow("status of `expired`");
  expect(await (await fetch(String(first.url))).text()).toContain("This checkout has expired");

  const second = await stripe.checkout.sessions.create(
    await order(running, { expires_at: double.now() + 3600 }),
  );
  // The clock goes on: a minute is left for the calls.
  double.advance({ seconds: 3540 });
  expect((await stripe.checkout.sessions.retrieve(second.id)).status).toBe("open");
  double.advance({ seconds: 60 });
  expect((await stripe.checkout.sessions.retrieve(second.id)).status).toBe("expired");
  expect(typesOf(double, "checkout.")).toEqual(["checkout.session.expired", "checkout.session.expired"]);
});

test("repeats the session of an idempotency key", async () => {
  await using running = await startDoubleWithSdk();
  const params = await order(running);
  const create = () => running.stripe.checkout.sessions.create(params, { idempotencyKey: "buy-1" });
  const [one, other] = [await create(), await create()];
  expect(other.id).toBe(one.id);
  expect(running.double.checkoutSessions()).toHaveLength(1);
});

test("lists the sessions of a customer by status, newest first", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe } = running;
  const params = await order(running);
  const old = await stripe.checkout.sessions.create(params);
  const open = await stripe.checkout.sessions.create(params);
  await stripe.checkout.sessions.create(await order(running));
  await stripe.checkout.sessions.expire(old.id);
  const list = async (status?: "open") => {
    const filter = { customer: params.customer, ...(status && { status }) };
    return (await stripe.checkout.sessions.list(filter)).data.map(({ id }) => id);
  };
  expect(await list()).toEqual([open.id, old.id]);
  expect(await list("open")).toEqual([open.id]);
});

test("a promotion code that the customer types lowers the price, and an unknown one is refused", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  double.createPromotionCode({ id: "promo_half", code: "HALF", percentOff: 50 });
  const session = await stripe.checkout.sessions.create(
    await order(running, { allow_promotion_codes: true }),
  );
  expect(await (await fetch(String(session.url))).text()).toContain("Promotion code");
  await press(session.url, { card: "succeeds", promotion_code: "QUARTER" });
  expect(await (await fetch(String(session.url))).text()).toContain("This promotion code is not valid.");
  await press(session.url, { card: "succeeds", promotion_code: "half" });
  expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
    amount_total: 249,
    total_details: { amount_discount: 250 },
  });
  expect(double.ledger().charges[0]?.amount).toBe(249);
});

test.each<[string, Partial<Stripe.Checkout.SessionCreateParams>, string]>([
  ["an unknown price", { line_items: [{ price: "price_gone", quantity: 1 }] }, "resource_missing"],
  ["an unknown customer", { customer: "cus_gone" }, "resource_missing"],
  ["a text that is no URL", { success_url: "thanks" }, "url_invalid"],
])("refuses %s", async (_what, change, code) => {
  await using running = await startDoubleWithSdk();
  const error = await errorOf(running.stripe.checkout.sessions.create(await order(running, change)));
  expect([error.statusCode, error.code]).toEqual([400, code]);
  expect(running.double.checkoutSessions()).toEqual([]);
});

test("refuses an inactive price, another currency than the customer's, and an expiry within 30 minutes", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { product } = await stripe.prices.retrieve(PRICE);
  const recurring = { interval: "month" } as const;
  const euro = await stripe.prices.create({
    currency: "eur",
    unit_amount: 500,
    product: String(product),
    recurring,
  });
  const old = await stripe.prices.create({
    currency: "gbp",
    unit_amount: 400,
    product: String(product),
    recurring,
  });
  await stripe.prices.update(old.id, { active: false });
  const buyer = double.createSubscription({ email: "bob@example.com" }).customer;
  const refused = async (change: Partial<Stripe.Checkout.SessionCreateParams>) =>
    (await errorOf(stripe.checkout.sessions.create(await order(running, change)))).message;
  expect(await refused({ line_items: [{ price: old.id, quantity: 1 }] })).toContain("inactive");
  expect(await refused({ customer: buyer, line_items: [{ price: euro.id, quantity: 1 }] })).toContain(
    "combine currencies",
  );
  expect(await refused({ expires_at: double.now() + 60 })).toContain("at least 30 minutes");
});
