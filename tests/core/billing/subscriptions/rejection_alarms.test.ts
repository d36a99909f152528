import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { PRICE_ID, startNest, type TestNest } from "#tests/support/nest.ts";

const ADA = "ada@example.com";
const REPLACED = "Your Beak subscription was replaced";
const DUPLICATE = "Duplicate Beak Subscription";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const stored = (id: string) => nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
const mails = (subject: string) =>
  nest.ses.inbox.filter((mail) => mail.subject === subject).map(({ text }) => text);
const buy = (details: object = {}) => {
  nest.clock.advance(60);
  return nest.stripe.createSubscription({ email: ADA, ...details });
};
const deliverAgain = async () => {
  await nest.collection("stripe-events").deleteMany({});
  nest.clock.advance(150);
  for (const event of [...nest.stripe.events()]) await nest.webhook(event);
};

test("mails the owner of a trial that was paid before, and names what is returned", async () => {
  const paid = buy();
  await nest.deliverEvents();
  await nest.passTime(10 * DAY);
  nest.stripe.updateSubscription(paid.id, { fields: { status: "trialing" } });
  buy();
  await nest.deliverEvents();
  expect(await stored(paid.id)).toMatchObject({ isRejectedSilently: false });
  expect(mails(REPLACED)[0]).toContain("We refunded £");
});

test("says that the kept subscription does not use credit of another customer, and raises an alarm", async () => {
  const first = buy();
  await nest.deliverEvents();
  nest.clock.advance(60);
  const customer = await fetch(`${nest.stripe.url}/v1/customers`, {
    method: "POST",
    headers: { authorization: `Bearer ${nest.stripe.secretKey}` },
    body: new URLSearchParams({ email: ADA }),
  }).then(async (reply) => (await reply.json()) as { id: string });
  nest.stripe.attachCard(customer.id);
  nest.stripe.credit(customer.id, 10_000, "gbp");
  const second = await fetch(`${nest.stripe.url}/v1/subscriptions`, {
    method: "POST",
    headers: { authorization: `Bearer ${nest.stripe.secretKey}` },
    body: new URLSearchParams({
      customer: customer.id,
      "items[0][price]": PRICE_ID,
    }),
  }).then(async (reply) => (await reply.json()) as { id: string });
  await nest.deliverEvents();
  expect(await stored(first.id)).toMatchObject({ status: "active" });
  const [text] = mails(DUPLICATE);
  expect(text).toContain("We credited £4.99 to your balance. Your other subscription does not use");
  expect(nest.logged("credit_of_other_customer")).toEqual([
    expect.objectContaining({ alarm: true, subscription_id: second.id, amount: 499, currency: "gbp" }),
  ]);
});

test("raises an alarm once when a duplicate was paid outside Stripe", async () => {
  buy();
  await nest.deliverEvents();
  const second = buy({ status: "incomplete" });
  nest.stripe.payOutOfBand(second.id);
  await nest.deliverEvents();
  await deliverAgain();
  expect(nest.logged("paid_outside_stripe")).toEqual([
    expect.objectContaining({ alarm: true, subscription_id: second.id, amount: 499, currency: "gbp" }),
  ]);
});

test("mails the owner once when a bank debit of a duplicate succeeds later", async () => {
  buy();
  await nest.deliverEvents();
  const second = buy({ card: { processes: true } });
  await nest.deliverEvents();
  expect(await stored(second.id)).toMatchObject({ refundedAt: expect.any(String) });
  const before = mails(DUPLICATE).length;
  nest.stripe.settlePayment(second.id, "succeeded");
  await nest.deliverEvents();
  expect(nest.stripe.refunds().map(({ amount }) => amount)).toEqual([499]);
  const after = mails(DUPLICATE);
  expect(after).toHaveLength(before + 1);
  expect(after.at(-1)).toContain("We refunded £4.99");
  await deliverAgain();
  expect(mails(DUPLICATE)).toHaveLength(before + 1);
});

describe("duplicates of one person within a day", () => {
  test("raise an alarm from the third on", async () => {
    buy();
    await nest.deliverEvents();
    for (let times = 1; times <= 4; times++) {
      buy();
      await nest.deliverEvents();
      expect(nest.logged("many_duplicates"), `${times}`).toHaveLength(Math.max(0, times - 2));
    }
    expect(nest.logged("many_duplicates")[0]).toMatchObject({ alarm: true, count: 3 });
  });

  test("raise no alarm when they are bought on different days", async () => {
    buy();
    for (let times = 1; times <= 3; times++) {
      nest.clock.advance(DAY);
      nest.stripe.advance(0);
      buy();
      await nest.deliverEvents();
    }
    expect(nest.logged("many_duplicates")).toEqual([]);
  });
});
