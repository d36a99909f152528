import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { PRICE_ID, startNest, type TestNest } from "#tests/support/nest.ts";

// Subscriptions of another product that are changed to one of our prices while the user has a subscription already.

const ADA = "ada@example.com";
const MONTH = 499;
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const stored = (id: string) => nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
const atStripe = (id: string) => nest.stripe.subscriptions().find((one) => one.id === id);
const ourPrice = () => PRICE_ID;
const returned = () => nest.stripe.refunds().reduce((sum, { amount }) => sum + amount, 0);

/** Sends a form to Stripe's double, as its dashboard would. */
async function post(path: string, form: Record<string, string>) {
  const reply = await fetch(`${nest.stripe.url}/v1/${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${nest.stripe.secretKey}`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: new URLSearchParams(form),
  });
  const body = (await reply.json()) as { id: string };
  expect(reply.status, JSON.stringify(body)).toBe(200);
  return body.id;
}
/** A monthly price of 5.00 GBP of a product that is not ours. */
async function otherPrice(): Promise<string> {
  const product = await post("products", { name: "Another app" });
  return post("prices", { product, currency: "gbp", unit_amount: "500", "recurring[interval]": "month" });
}
async function changePrice(id: string, price: string): Promise<void> {
  const item = atStripe(id)?.items.data[0]?.id ?? "";
  await post(`subscriptions/${id}`, { "items[0][id]": item, "items[0][price]": price });
}

test("refunds only the unused share of a used subscription when an older one is changed to its price", async () => {
  const older = nest.stripe.createSubscription({ email: ADA, price: await otherPrice() });
  await nest.deliverEvents();
  await nest.passTime(31 * DAY);
  const used = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  await nest.passTime(305 * DAY);
  await nest.deliverEvents();
  await changePrice(older.id, ourPrice());
  await nest.deliverEvents();
  expect([older.id, used.id].map((id) => atStripe(id)?.status)).toEqual(["active", "canceled"]);
  expect(await stored(used.id)).toMatchObject({ rejection: { kind: "replaced", keptId: older.id } });
  expect(await stored(older.id)).toMatchObject({ oursSince: expect.any(String) });
  expect(returned()).toBeLessThanOrEqual(MONTH);
});

test("refunds only the unused share of a used subscription when an older one is changed back to its price", async () => {
  const other = await otherPrice();
  const older = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  await nest.passTime(20 * DAY);
  await changePrice(older.id, other);
  await nest.deliverEvents();
  const used = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  await nest.passTime(305 * DAY);
  await nest.deliverEvents();
  await changePrice(older.id, ourPrice());
  await nest.deliverEvents();
  expect([older.id, used.id].map((id) => atStripe(id)?.status)).toEqual(["active", "canceled"]);
  expect(await stored(used.id)).toMatchObject({ rejection: { kind: "replaced", keptId: older.id } });
  expect(returned()).toBeLessThanOrEqual(MONTH);
});

test("refunds a duplicate in full when all events of the older subscription were lost", async () => {
  const older = nest.stripe.createSubscription({ email: ADA });
  nest.clock.advance(60);
  const duplicate = nest.stripe.createSubscription({ email: ADA });
  expect((await nest.webhook(nest.eventOf("customer.subscription.created", duplicate.id))).status).toBe(200);
  nest.clock.advance(2 * 3600);
  nest.stripe.updateSubscription(older.id, { metadata: { n: "1" } });
  await nest.webhook(nest.eventOf("customer.subscription.updated", older.id));
  expect([older.id, duplicate.id].map((id) => atStripe(id)?.status)).toEqual(["active", "canceled"]);
  expect(await stored(duplicate.id)).toMatchObject({ rejection: { kind: "duplicate" } });
  expect(returned()).toBe(MONTH);
});

test("refunds only the payments of a duplicate that follow the change of the kept subscription to our product", async () => {
  const other = await otherPrice();
  const older = nest.stripe.createSubscription({ email: ADA, price: other });
  nest.clock.advance(60);
  const twice = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  await nest.passTime(100 * DAY);
  await changePrice(twice.id, other);
  await nest.deliverEvents();
  await changePrice(older.id, ourPrice());
  await nest.deliverEvents();
  await nest.passTime(40 * DAY);
  await nest.deliverEvents();
  await changePrice(twice.id, ourPrice());
  await nest.deliverEvents();
  expect([older.id, twice.id].map((id) => atStripe(id)?.status)).toEqual(["active", "canceled"]);
  const since = (await stored(older.id))?.oursSince;
  expect(await stored(twice.id)).toMatchObject({
    rejection: { kind: "duplicate", returnsPaymentsSince: since },
  });
  const used = nest.stripe.refunds().filter(({ amount }) => amount === MONTH);
  expect(used).toEqual([]);
});
