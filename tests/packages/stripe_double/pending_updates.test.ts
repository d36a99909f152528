import type Stripe from "stripe";
import { expect, test } from "vitest";
import {
  customerWithCard,
  type DoubleWithSdk,
  errorOf,
  PRICE,
  startDoubleWithSdk,
  typesOf,
} from "#tests/packages/stripe_double/double_with_sdk.ts";

const DEAR = "price_dear";
const YEARLY = "price_year";
const HOUR = 3600;

const prices = [
  { id: PRICE, currency: "gbp", unitAmount: 499, interval: "month" },
  { id: DEAR, currency: "gbp", unitAmount: 999, interval: "month" },
  { id: YEARLY, currency: "gbp", unitAmount: 4900, interval: "year" },
] as const;

const start = () =>
  startDoubleWithSdk({ account: { products: [{ id: "prod_1", name: "Product", prices }] } });

/** Changes the only item of a subscription to another price, as far as it is paid. */
async function changePrice({ stripe }: DoubleWithSdk, id: string, price: string) {
  const { items } = await stripe.subscriptions.retrieve(id);
  return stripe.subscriptions.update(id, {
    items: [{ id: items.data[0]?.id ?? "", price }],
    payment_behavior: "pending_if_incomplete",
    proration_behavior: "always_invoice",
  });
}

const priceOf = ({ items }: Stripe.Subscription) => items.data[0]?.price.id;

/** An active subscription whose card declines from now on. */
async function withDecliningCard(running: DoubleWithSdk) {
  const params = await customerWithCard(running);
  const { id, customer } = await running.stripe.subscriptions.create(params);
  running.double.attachCard(String(customer), { declines: true });
  return { id, customer: String(customer) };
}

test("a change that is paid is made at once, for the rest of the period", async () => {
  await using running = await start();
  const { id } = await running.stripe.subscriptions.create(await customerWithCard(running));
  running.double.advance({ days: 10 });
  const changed = await changePrice(running, id, DEAR);
  expect([priceOf(changed), changed.pending_update, changed.status]).toEqual([DEAR, null, "active"]);
  const charged = running.double.ledger().charges.map(({ amount }) => amount);
  expect(charged).toHaveLength(2);
  expect(charged[1]).toBeLessThan(500);
  expect(charged[1]).toBeGreaterThan(300);
});

test.each([
  ["of the same interval", DEAR],
  ["of another interval", YEARLY],
])(
  "a change to a price %s that is declined stays pending, and is made once it is paid",
  async (_which, price) => {
    await using running = await start();
    const { stripe, double } = running;
    const { id, customer } = await withDecliningCard(running);
    const before = await stripe.subscriptions.retrieve(id);
    double.advance({ days: 1 });
    const earliest = double.now() + 23 * HOUR;
    const pending = await changePrice(running, id, price);
    const latest = double.now() + 23 * HOUR;
    expect([priceOf(pending), pending.status]).toEqual([PRICE, "active"]);
    expect(pending.items.data[0]?.current_period_end).toBe(before.items.data[0]?.current_period_end);
    expect(pending.pending_update?.subscription_items?.[0]?.price.id).toBe(price);
    // A second may begin during the call.
    expect(pending.pending_update?.expires_at).toBeGreaterThanOrEqual(earliest);
    expect(pending.pending_update?.expires_at).toBeLessThanOrEqual(latest);
    expect(pending.latest_invoice).not.toBe(before.latest_invoice);

    expect(double.pay(id)).toBe("failed");
    expect(priceOf(await stripe.subscriptions.retrieve(id))).toBe(PRICE);
    double.attachCard(customer);
    expect(double.pay(id)).toBe("paid");
    const applied = await stripe.subscriptions.retrieve(id);
    expect([priceOf(applied), applied.pending_update]).toEqual([price, null]);
    expect(typesOf(double, "customer.subscription.").slice(-2)).toEqual([
      "customer.subscription.updated",
      "customer.subscription.pending_update_applied",
    ]);
  },
);

test("a pending change that nobody pays expires after 23 hours, and the subscription goes on at the old price", async () => {
  await using running = await start();
  const { stripe, double } = running;
  const { id, customer } = await withDecliningCard(running);
  const { latest_invoice: invoice } = await changePrice(running, id, DEAR);
  double.advance({ seconds: 23 * HOUR - 1 });
  expect((await stripe.subscriptions.retrieve(id)).pending_update).not.toBeNull();
  double.advance({ seconds: 1 });
  const expired = await stripe.subscriptions.retrieve(id);
  expect([priceOf(expired), expired.pending_update, expired.status]).toEqual([PRICE, null, "active"]);
  expect((await stripe.invoices.retrieve(String(invoice))).status).toBe("void");
  expect(typesOf(double)).toContain("customer.subscription.pending_update_expired");
  double.attachCard(customer);
  double.advance({ days: 31 });
  expect(double.ledger().charges.at(-1)?.amount).toBe(499);
});

test("a change of items discards the pending one and its invoice, and so does the end of the subscription", async () => {
  await using running = await start();
  const { stripe } = running;
  const { id } = await withDecliningCard(running);
  const first = await changePrice(running, id, DEAR);
  const second = await changePrice(running, id, YEARLY);
  expect((await stripe.invoices.retrieve(String(first.latest_invoice))).status).toBe("void");
  expect(second.pending_update?.subscription_items?.[0]?.price.id).toBe(YEARLY);
  expect((await stripe.subscriptions.cancel(id)).pending_update).toBeNull();
  expect((await stripe.invoices.retrieve(String(second.latest_invoice))).status).toBe("void");
});

test("refuses parameters that a pending update can't hold", async () => {
  await using running = await start();
  const { id } = await withDecliningCard(running);
  const error = await errorOf(
    running.stripe.subscriptions.update(id, {
      metadata: { plan: "dear" },
      payment_behavior: "pending_if_incomplete",
    }),
  );
  expect([error.statusCode, error.param]).toEqual([400, "metadata"]);
});
