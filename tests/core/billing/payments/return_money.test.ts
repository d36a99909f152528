import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { startWorker } from "#tests/callbacks/chaos/worker.ts";
import { crashSides } from "#tests/support/crash.ts";
import { PRICE_ID, PRODUCT_ID, startNest, type TestNest } from "#tests/support/nest.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const stored = (id: string) => nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
const atStripe = (id: string) => nest.stripe.subscriptions().find((one) => one.id === id);
const refundsOf = (customer: string) =>
  nest.stripe
    .refunds()
    .filter((refund) => refund.customer === customer)
    .map(({ amount }) => amount);
/** What was credited to a customer's balance. */
const creditsOf = async (customer: string): Promise<{ id: string; amount: number }[]> => {
  const { data } = await ask(`customers/${customer}/balance_transactions`);
  return data.filter(({ type }: { type: string }) => type === "adjustment");
};
const credited = async (customer: string) => (await creditsOf(customer)).map(({ amount }) => amount);

/** Sends a request to Stripe's double, as its dashboard would: a POST if there is a form. */
async function ask(path: string, form?: Record<string, string>) {
  const reply = await fetch(`${nest.stripe.url}/v1/${path}`, {
    method: form ? "POST" : "GET",
    headers: {
      authorization: `Bearer ${nest.stripe.secretKey}`,
      "content-type": "application/x-www-form-urlencoded",
    },
    ...(form && { body: new URLSearchParams(form) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests read bodies of every shape
  const body = (await reply.json()) as any;
  expect(reply.status, JSON.stringify(body)).toBe(200);
  return body;
}
/** A yearly price of 49.00 GBP of our product. */
async function yearlyPrice(): Promise<string> {
  const product = PRODUCT_ID;
  const price = await ask("prices", {
    product,
    currency: "gbp",
    unit_amount: "4900",
    "recurring[interval]": "year",
  });
  return price.id;
}
const buyFor = (customer: string, price: string) =>
  ask("subscriptions", { customer, "items[0][price]": price });
/** Moves the clock to the middle of a subscription's current period. */
const useHalf = async (id: string) => {
  const item = atStripe(id)?.items.data[0];
  if (!item) throw new Error("no such subscription");
  await nest.passTime((item.current_period_start + item.current_period_end) / 2 - nest.stripe.now());
};

test("refunds no used month of a subscription whose card failed when its owner buys again", async () => {
  const late = nest.stripe.createSubscription({ email: ADA, card: { declines: false } });
  await nest.deliverEvents();
  await nest.passTime(366 * DAY);
  nest.stripe.attachCard(late.customer, { declines: true });
  await nest.passTime(31 * DAY);
  expect(atStripe(late.id)?.status).toBe("past_due");
  const bought = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect([atStripe(late.id)?.status, atStripe(bought.id)?.status]).toEqual(["canceled", "active"]);
  expect(nest.stripe.refunds()).toEqual([]);
  expect(await credited(late.customer)).toEqual([]);
  expect(await stored(late.id)).toMatchObject({
    rejection: { kind: "replaced", status: "past_due", keptId: bought.id },
    returns: {},
    refundedAt: expect.any(String),
  });
  // Its owed invoice is void: a retry of the payment finds nothing to charge.
  expect(nest.stripe.pay(late.id)).toBeNull();
});

/** Changes the price as a customer does in the billing portal. */
function changePrice(id: string, price: string) {
  return nest.stripe.updateSubscription(id, {
    items: [{ id: atStripe(id)?.items.data[0]?.id ?? "", price }],
  });
}

test("returns nothing of a year whose interval was changed to months before its owner buys a year again", async () => {
  const yearly = await yearlyPrice();
  const first = nest.stripe.createSubscription({ email: ADA, price: yearly });
  await nest.deliverEvents();
  await nest.passTime(300 * DAY);
  // Stripe credits the unused days of the year, which pay for the month.
  changePrice(first.id, PRICE_ID);
  await nest.deliverEvents();
  await nest.passTime(60);
  await buyFor(first.customer, yearly);
  await nest.deliverEvents();
  expect(atStripe(first.id)?.status).toBe("canceled");
  expect(await credited(first.customer)).toEqual([]);
});

test("returns no payment that the rejection counted when its event is delivered again", async () => {
  const late = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  await useHalf(late.id);
  nest.stripe.updateSubscription(late.id, { fields: { status: "past_due" } });
  nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  const [counted] = Object.values((await stored(late.id))?.returns as object);
  expect(counted).toMatchObject({ amount: 0 });
  // An earlier release stored no payment of which nothing was returned.
  for (const returns of [undefined, {}]) {
    if (returns)
      await nest.collection("subscriptions").updateOne({ stpSubscriptionId: late.id }, { $set: { returns } });
    await nest.collection("stripe-events").deleteMany({});
    for (const event of nest.stripe.events()) await nest.webhook(event);
    expect(refundsOf(late.customer)).toEqual([]);
    expect(await credited(late.customer)).toEqual([]);
  }
});

test("refunds a duplicate less the credit that Stripe gave when its interval was changed", async () => {
  const { customer } = nest.stripe.createSubscription({ email: ADA });
  const yearly = await yearlyPrice();
  nest.clock.advance(60);
  const { id } = nest.stripe.createSubscription({ email: ADA, customer, price: yearly });
  changePrice(id, PRICE_ID);
  await nest.deliverEvents();
  expect(atStripe(id)?.status).toBe("canceled");
  expect(refundsOf(customer)).toEqual([499]);
});

test.each(["unpaid", "paused"] as const)(
  "refunds nothing of a subscription that is %s when its owner buys again",
  async (status) => {
    const late = nest.stripe.createSubscription({ email: ADA, status });
    await nest.deliverEvents();
    const bought = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    expect([atStripe(late.id)?.status, atStripe(bought.id)?.status]).toEqual(["canceled", "active"]);
    expect(nest.stripe.refunds()).toEqual([]);
  },
);

describe("a yearly plan that the customer of a monthly plan buys", () => {
  test("replaces it and credits the unused share to the customer's balance", async () => {
    const monthly = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    await useHalf(monthly.id);
    const yearly = await buyFor(monthly.customer, await yearlyPrice());
    await nest.deliverEvents();
    expect([atStripe(monthly.id)?.status, atStripe(yearly.id)?.status]).toEqual(["canceled", "active"]);
    expect(await nest.subscriptionStatus(await nest.userIdOf(ADA))).toBe("active");
    expect(nest.stripe.refunds()).toEqual([]);
    expect(await credited(monthly.customer)).toEqual([-250]);
    const [credit] = await creditsOf(monthly.customer);
    expect(Object.values((await stored(monthly.id))?.returns as object)).toEqual([
      expect.objectContaining({
        ...{ to: "balance", amount: 250, currency: "gbp", reason: "unused_time", status: "done" },
        ...{ id: credit?.id, failure: null, returnedAt: expect.any(String) },
      }),
    ]);
  });

  test("credits once when the event is delivered again and again", async () => {
    const monthly = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    nest.clock.advance(60);
    await buyFor(monthly.customer, await yearlyPrice());
    for (let copy = 0; copy < 2; copy++)
      for (const event of nest.stripe.events()) expect((await nest.webhook(event)).status).toBe(200);
    expect(await credited(monthly.customer)).toEqual([-499]);
  });

  test("credits once when two workers complete the rejection at once, a day after a lost response", async () => {
    const monthly = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    nest.clock.advance(60);
    const yearly = await buyFor(monthly.customer, await yearlyPrice());
    const event = nest.eventOf("customer.subscription.created", yearly.id);
    nest.ses.fault({ calls: 1, kind: "error" });
    expect((await nest.webhook(event)).body.code).toBe("email_not_sent");
    const path = `returns.${Object.keys((await stored(monthly.id))?.returns as object)[0]}`;
    const lost = { [`${path}.status`]: "planned", [`${path}.id`]: null };
    await nest.collection("subscriptions").updateOne({ stpSubscriptionId: monthly.id }, { $set: lost });
    nest.clock.advance(25 * 3600);
    await nest.deliverEvents();
    await nest.deliverEvents();
    expect(await credited(monthly.customer)).toEqual([-499]);
  });

  test("is a duplicate when another customer with the same address buys it, however often", async () => {
    const monthly = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    const price = await yearlyPrice();
    nest.clock.advance(60);
    const first = nest.stripe.createSubscription({ email: ADA, price });
    await nest.deliverEvents();
    nest.clock.advance(60);
    const second = await buyFor(first.customer, PRICE_ID);
    await nest.deliverEvents();
    expect([monthly.id, first.id, second.id].map((id) => atStripe(id)?.status)).toEqual([
      "active",
      "canceled",
      "canceled",
    ]);
    expect(refundsOf(first.customer)).toEqual([4900, 499]);
    expect(await stored(monthly.id)).toMatchObject({ rejectedAt: null });
  });
});

test("refunds the unused share to the payment method when a subscription that is scheduled to end is bought again", async () => {
  const ending = nest.stripe.createSubscription({ email: ADA });
  nest.stripe.cancelSubscription(ending.id, { isAtPeriodEnd: true });
  await nest.deliverEvents();
  await useHalf(ending.id);
  const bought = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect([atStripe(ending.id)?.status, atStripe(bought.id)?.status]).toEqual(["canceled", "active"]);
  expect(refundsOf(ending.customer)).toEqual([250]);
  expect(refundsOf(bought.customer)).toEqual([]);
  expect(await nest.subscriptionStatus(await nest.userIdOf(ADA))).toBe("active");
});

test("refunds only what an operator has not refunded before", async () => {
  const ending = nest.stripe.createSubscription({ email: ADA });
  nest.stripe.cancelSubscription(ending.id, { isAtPeriodEnd: true });
  await nest.deliverEvents();
  const paid = nest.eventOf("payment_intent.succeeded").data.object as { id: string };
  await ask("refunds", { payment_intent: paid.id, amount: "399" });
  await useHalf(ending.id);
  nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect(refundsOf(ending.customer)).toEqual([399, 50]);
});

test("never lets a trial replace a subscription that was paid and is past due", async () => {
  const late = nest.stripe.createSubscription({ email: ADA, status: "past_due" });
  await nest.deliverEvents();
  const trial = nest.stripe.createSubscription({ email: ADA, trialDays: 14 });
  await nest.deliverEvents();
  expect([atStripe(late.id)?.status, atStripe(trial.id)?.status]).toEqual(["past_due", "canceled"]);
  expect(await stored(late.id)).toMatchObject({ wasPaid: true });
});

test("keeps a plan change that waits for its first payment, and replaces the old plan once it is paid", async () => {
  const monthly = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  const price = await yearlyPrice();
  nest.clock.advance(60);
  const yearly = await ask("subscriptions", {
    customer: monthly.customer,
    "items[0][price]": price,
    payment_behavior: "default_incomplete",
  });
  await nest.deliverEvents();
  expect([monthly.id, yearly.id].map((id) => atStripe(id)?.status)).toEqual(["active", "incomplete"]);
  expect(nest.stripe.pay(yearly.id)).toBe("paid");
  await nest.deliverEvents();
  expect([monthly.id, yearly.id].map((id) => atStripe(id)?.status)).toEqual(["canceled", "active"]);
});

describe("a refund that Stripe refuses", () => {
  /** Buys two subscriptions, of which the second is a duplicate. */
  const buyTwice = async () => {
    nest.stripe.createSubscription({ email: ADA });
    nest.clock.advance(60);
    const second = nest.stripe.createSubscription({ email: ADA });
    return { ...second, event: nest.eventOf("customer.subscription.created", second.id) };
  };
  const returnOf = async (id: string) => Object.values((await stored(id))?.returns as object)[0];

  test("is retried with its event, and succeeds once Stripe accepts it", async () => {
    const { id, customer } = await buyTwice();
    nest.stripe.refuseRefunds(["balance_insufficient", "balance_insufficient"]);
    await nest.deliverEvents();
    expect(await returnOf(id)).toMatchObject({
      status: "planned",
      attempts: 1,
      failure: "balance_insufficient",
    });
    const retry = nest.stripe.events().filter(({ type }) => type === "customer.subscription.deleted");
    for (const event of retry) await nest.webhook(event);
    nest.clock.advance(120);
    for (const event of [...nest.stripe.events()]) await nest.webhook(event);
    expect(refundsOf(customer)).toEqual([499]);
    expect(await returnOf(id)).toMatchObject({
      status: "done",
      amount: 499,
      id: expect.stringMatching(/^re_/),
    });
    expect(nest.logged("refund_failed")).toEqual([]);
  });

  test("raises an alarm after the last attempt, and is recorded while the rejection goes on", async () => {
    const { id, customer } = await buyTwice();
    nest.stripe.refuseRefunds(Array.from({ length: 9 }, () => "charge_expired_for_refund" as const));
    for (let tries = 0; tries < 4; tries++) {
      for (const event of [...nest.stripe.events()]) await nest.webhook(event);
      nest.clock.advance(120);
    }
    expect(refundsOf(customer)).toEqual([]);
    expect(await returnOf(id)).toMatchObject({
      ...{ status: "failed", attempts: 3, failure: "charge_expired_for_refund", amount: 499 },
    });
    expect(nest.logged("refund_failed")).toEqual([
      expect.objectContaining({ alarm: true, subscription_id: id, amount: 499, currency: "gbp" }),
    ]);
    expect(await stored(id)).toMatchObject({ refundedAt: expect.any(String) });
  });

  test("is recorded with an alarm when it fails after Stripe had accepted it", async () => {
    const { id } = await buyTwice();
    await nest.deliverEvents();
    const [refund] = nest.stripe.refunds();
    nest.stripe.failRefund(refund?.id ?? "", "expired_or_canceled_card");
    await nest.deliverEvents();
    expect(await returnOf(id)).toMatchObject({ status: "failed", failure: "expired_or_canceled_card" });
    expect(nest.logged("refund_failed")).toEqual([
      expect.objectContaining({ alarm: true, subscription_id: id }),
    ]);
    expect(refundsOf(refund?.customer ?? "")).toEqual([499]);
  });
});

test("credits once, and keeps the new plan, when a worker crashes at any write or request of the plan change", async () => {
  const price = await yearlyPrice();
  let hasCrashed = true;
  let rounds = 0;
  for (let at = 1; hasCrashed; at++) {
    hasCrashed = false;
    for (const when of crashSides(at)) {
      const email = `${when}${at}@example.com`;
      const monthly = nest.stripe.createSubscription({ email });
      await nest.deliverEvents();
      nest.clock.advance(60);
      const yearly = await ask("subscriptions", { customer: monthly.customer, "items[0][price]": price });
      const { body, header } = nest.stripe.signedEvent(
        nest.eventOf("customer.subscription.created", yearly.id),
      );
      const worker = startWorker(nest, { at, when });
      if ((await worker.post(body, header)) === null) hasCrashed = true;
      await worker.close();
      nest.clock.advance(150);
      await nest.webhook(nest.eventOf("customer.subscription.created", yearly.id));
      await nest.deliverEvents();
      expect([atStripe(monthly.id)?.status, atStripe(yearly.id)?.status], email).toEqual([
        "canceled",
        "active",
      ]);
      expect(await credited(monthly.customer), email).toEqual([-499]);
      expect(await stored(monthly.id), email).toMatchObject({ refundedAt: expect.any(String) });
      rounds++;
    }
  }
  expect(rounds).toBeGreaterThan(10);
}, 240_000);

test("completes what an earlier release began: a rejection without a reason refunds every payment", async () => {
  const first = nest.stripe.createSubscription({ email: ADA });
  nest.clock.advance(60);
  await nest.deliverEvents();
  const second = nest.stripe.createSubscription({ email: ADA });
  nest.ses.fault({ calls: 1, kind: "error" });
  expect((await nest.webhook(nest.eventOf("customer.subscription.created", second.id))).status).toBe(502);
  const began = await stored(second.id);
  expect(began).toMatchObject({ rejectedAt: expect.any(String), refundedAt: null });
  await nest
    .collection("subscriptions")
    .updateOne({ stpSubscriptionId: second.id }, { $unset: { rejection: "", returns: "" } });
  nest.clock.advance(150);
  for (const event of [...nest.stripe.events()]) await nest.webhook(event);
  expect(refundsOf(second.customer)).toEqual([499]);
  expect(await stored(second.id)).toMatchObject({ refundedAt: expect.any(String) });
  expect(await stored(first.id)).toMatchObject({ rejectedAt: null });
});

test("returns a disputed payment of a replaced subscription by its unused share once the dispute is won", async () => {
  const ending = nest.stripe.createSubscription({ email: ADA });
  nest.stripe.cancelSubscription(ending.id, { isAtPeriodEnd: true });
  const dispute = nest.stripe.dispute(ending.id);
  await nest.deliverEvents();
  await useHalf(ending.id);
  nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect(refundsOf(ending.customer)).toEqual([]);
  nest.stripe.closeDispute(dispute.id, "won");
  await nest.deliverEvents();
  expect(refundsOf(ending.customer)).toEqual([250]);
});

describe("credit that paid a part of an invoice whose bank debit succeeds after the rejection", () => {
  const balanceOf = async (customer: string) => (await ask(`customers/${customer}`)).balance;
  const settle = async (id: string) => {
    nest.stripe.settlePayment(id, "succeeded");
    for (let copy = 0; copy < 2; copy++) await nest.deliverEvents();
    await nest.collection("stripe-events").deleteMany({});
    nest.clock.advance(150);
    for (const event of [...nest.stripe.events()]) await nest.webhook(event);
  };

  test("goes back to the balance of a duplicate's customer in full, once, and raises the alarm about another customer", async () => {
    nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    nest.clock.advance(60);
    const { id: customer } = await ask("customers", { email: ADA });
    nest.stripe.credit(customer, 200, "gbp");
    nest.stripe.attachCard(customer, { processes: true });
    const { id } = await buyFor(customer, PRICE_ID);
    await nest.deliverEvents();
    expect(await balanceOf(customer)).toBe(0);
    await nest.passTime(3 * DAY);
    await settle(id);
    expect(refundsOf(customer)).toEqual([299]);
    expect(await balanceOf(customer)).toBe(-200);
    expect(nest.logged("credit_of_other_customer").map(({ amount }) => amount)).toContain(200);
    const texts = nest.ses.inbox.map(({ text }) => text);
    expect(texts.filter((text) => text?.includes("We refunded £2.99"))).toEqual([
      expect.stringContaining("£2.00"),
    ]);
  });

  test("goes back to the balance by the unused share for a replaced subscription, once", async () => {
    const { id, customer } = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    await nest.passTime(20 * DAY);
    nest.stripe.credit(customer, 200, "gbp");
    nest.stripe.attachCard(customer, { processes: true });
    await nest.passTime(11 * DAY);
    await useHalf(id);
    expect(await balanceOf(customer)).toBe(0);
    nest.stripe.attachCard(customer, {});
    await buyFor(customer, await yearlyPrice());
    await nest.deliverEvents();
    expect(atStripe(id)?.status).toBe("canceled");
    await settle(id);
    // A little less than half of each: 299 rounded up, 200 rounded down.
    expect(await balanceOf(customer)).toBe(-150 - 99);
  });
});
