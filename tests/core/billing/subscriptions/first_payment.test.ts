import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY, HOUR } from "#core/clock.ts";
import { PRODUCT_ID, startNest, type TestNest } from "#tests/support/nest.ts";

const ADA = "ada@example.com";
const PAST_DUE_DAYS = 7;
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
  await nest.signIn(ADA);
});
afterEach(() => nest.stop());

const status = async () => nest.subscriptionStatus(await nest.userIdOf(ADA));
/** Makes a status call of the person. It uses an attempt to pay if nothing else grants access. */
const use = async (path = "2021-10-06") => {
  const { access_token: bearer, user_id } = await nest.signIn(ADA);
  const body = path === "2021-10-06" ? { user_id } : {};
  const reply = await nest.call(`/1/${path}/get_subscription_status`, body, { bearer });
  return reply.status < 300 ? (reply.body?.status ?? "usable") : reply.body.code;
};
const atStripe = (id: string) => nest.stripe.subscriptions().find((one) => one.id === id)?.status;
const stored = (id: string) => nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
/** Buys with a bank debit, which is neither paid nor refused until it is settled. */
const buyByDebit = async (details: object = {}) => {
  const bought = nest.stripe.createSubscription({ email: ADA, card: { processes: true }, ...details });
  await nest.deliverEvents();
  return bought;
};
const yearlyPrice = async () => {
  const product = PRODUCT_ID;
  const reply = await fetch(`${nest.stripe.url}/v1/prices`, {
    method: "POST",
    headers: { authorization: `Bearer ${nest.stripe.secretKey}` },
    body: new URLSearchParams({
      ...{ product, currency: "gbp", unit_amount: "4900", "recurring[interval]": "year" },
    }),
  });
  return ((await reply.json()) as { id: string }).id;
};
const settle = async (id: string, outcome: "succeeded" | "failed") => {
  nest.stripe.settlePayment(id, outcome);
  await nest.deliverEvents();
};

test("a first bank debit that is processing grants access for the days to pay, and all of its period once it is paid", async () => {
  const { id } = await buyByDebit();
  expect(await stored(id)).toMatchObject({ status: "active", unpaidSince: expect.any(String) });
  expect(await status()).toBe("active");
  await nest.passTime((PAST_DUE_DAYS - 1) * DAY);
  expect(await status()).toBe("active");
  await nest.passTime(2 * DAY);
  expect(await status()).toBe("no_active_subscription");
  await settle(id, "succeeded");
  expect(await status()).toBe("active");
  expect(await stored(id)).toMatchObject({ unpaidSince: null, pastDueUntil: null });
  await nest.passTime(15 * DAY);
  expect(await status()).toBe("active");
});

test("bank debits that fail one after another share the days to pay of the first", async () => {
  const first = await buyByDebit();
  const { customer } = first;
  let { id } = first;
  let days = 0;
  for (let attempt = 0; attempt < 3; attempt++) {
    for (let day = 0; day < 5; day++) {
      if ((await use()) !== "no_active_subscription") days++;
      await nest.passTime(DAY);
    }
    await settle(id, "failed");
    nest.stripe.cancelSubscription(id);
    nest.stripe.attachCard(customer, { processes: true });
    ({ id } = await buyByDebit({ customer, card: undefined }));
  }
  expect(days).toBe(PAST_DUE_DAYS);
});

test("a stranger's bank debit that failed takes no days to pay from the person who buys by bank debit later", async () => {
  const ofStranger = await buyByDebit();
  await nest.passTime(3 * DAY);
  await settle(ofStranger.id, "failed");
  nest.stripe.cancelSubscription(ofStranger.id);
  await nest.passTime(20 * DAY);
  await buyByDebit();
  expect(await status()).toBe("active");
  await nest.passTime((PAST_DUE_DAYS - 1) * DAY);
  expect(await status()).toBe("active");
});

test("a stranger's bank debit that failed takes no days to pay from a trial that becomes paid by bank debit", async () => {
  const ofStranger = await buyByDebit();
  await nest.passTime(3 * DAY);
  await settle(ofStranger.id, "failed");
  nest.stripe.cancelSubscription(ofStranger.id);
  await buyByDebit({ trialDays: 14 });
  expect(await status()).toBe("trialing");
  await nest.passTime(14.2 * DAY);
  expect(await status()).toBe("active");
});

test("a status call that a trial makes usable takes no days to pay from the trial's owner when a stranger's debit is processing", async () => {
  const trial = nest.stripe.createSubscription({ email: ADA, trialDays: 14, card: { processes: true } });
  await nest.deliverEvents();
  const ofStranger = await buyByDebit();
  expect(await use()).toBe("trialing");
  expect((await stored(ofStranger.id))?.unpaidUseAt).toBeUndefined();
  await settle(ofStranger.id, "failed");
  await nest.passTime(14.2 * DAY);
  expect(atStripe(trial.id)).toBe("active");
  expect(await status()).toBe("active");
});

test("an attempt to pay by a stranger takes no time from the hour of the person who pays later", async () => {
  nest.stripe.createSubscription({ email: ADA, status: "incomplete" });
  await nest.deliverEvents();
  await nest.passTime(2 * HOUR);
  nest.stripe.createSubscription({ email: ADA, status: "incomplete" });
  await nest.deliverEvents();
  expect(await status()).toBe("incomplete");
});

test.each(["2020-12-14", "2021-10-06"])(
  "bank debits share the days to pay of a debit that gave access to a status call of %s",
  async (version) => {
    const { id, customer } = await buyByDebit();
    expect(await use(version)).not.toBe("no_active_subscription");
    await nest.passTime((PAST_DUE_DAYS + 1) * DAY);
    await settle(id, "failed");
    nest.stripe.cancelSubscription(id);
    nest.stripe.attachCard(customer, { processes: true });
    await buyByDebit({ customer, card: undefined });
    expect(await use(version)).toBe("no_active_subscription");
  },
);

test("bank debits do not share the days to pay of a debit for which only an internal caller asked", async () => {
  const { id } = await buyByDebit();
  expect(await status()).toBe("active");
  await nest.passTime((PAST_DUE_DAYS + 1) * DAY);
  await settle(id, "failed");
  nest.stripe.cancelSubscription(id);
  await buyByDebit();
  expect(await status()).toBe("active");
});

test("a plan whose first bank debit is processing replaces a paid plan only when it is paid", async () => {
  const paid = nest.stripe.createSubscription({ email: ADA, price: await yearlyPrice() });
  await nest.deliverEvents();
  await nest.passTime(DAY);
  nest.stripe.attachCard(paid.customer, { processes: true });
  const { id } = await buyByDebit({ customer: paid.customer, card: undefined });
  expect([atStripe(paid.id), atStripe(id)]).toEqual(["active", "active"]);
  await nest.passTime(5 * DAY);
  await settle(id, "succeeded");
  expect([atStripe(paid.id), atStripe(id)]).toEqual(["canceled", "active"]);
});

test("a paid plan stays when the bank debit of another plan fails", async () => {
  const paid = nest.stripe.createSubscription({ email: ADA, price: await yearlyPrice() });
  await nest.deliverEvents();
  await nest.passTime(DAY);
  nest.stripe.attachCard(paid.customer, { processes: true });
  const { id } = await buyByDebit({ customer: paid.customer, card: undefined });
  await nest.passTime(5 * DAY);
  await settle(id, "failed");
  expect(atStripe(paid.id)).toBe("active");
  expect(await status()).toBe("active");
});

test.each(["void", "keep_as_draft", "mark_uncollectible"] as const)(
  "a plan whose first bank debit is processing replaces no paid plan when collection is paused with %s and a period begins",
  async (behavior) => {
    const paid = nest.stripe.createSubscription({ email: ADA, price: await yearlyPrice() });
    await nest.deliverEvents();
    await nest.passTime(DAY);
    nest.stripe.attachCard(paid.customer, { processes: true });
    const { id } = await buyByDebit({ customer: paid.customer, card: undefined });
    nest.stripe.updateSubscription(id, { pause_collection: { behavior } });
    await nest.passTime(32 * DAY);
    await nest.deliverEvents();
    expect([atStripe(paid.id), atStripe(id)]).toEqual(["active", "active"]);
  },
);

test("a stranger's purchase does not cancel a subscription whose first bank debit is processing, and loses once it is paid", async () => {
  const { id } = await buyByDebit();
  nest.clock.advance(600);
  const ofStranger = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect([atStripe(id), atStripe(ofStranger.id)]).toEqual(["active", "active"]);
  await nest.passTime(3 * DAY);
  await settle(id, "succeeded");
  expect([atStripe(id), atStripe(ofStranger.id)]).toEqual(["active", "canceled"]);
  expect(nest.stripe.refunds().map(({ amount }) => amount)).toEqual([499]);
  expect(await status()).toBe("active");
});

test("keeps a subscription whose first bank debit succeeds after a stranger bought and canceled", async () => {
  const { id } = await buyByDebit();
  nest.clock.advance(600);
  const ofStranger = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  nest.stripe.cancelSubscription(ofStranger.id);
  await nest.passTime(3 * DAY);
  await settle(id, "succeeded");
  expect(atStripe(id)).toBe("active");
  expect(await status()).toBe("active");
  expect(nest.stripe.refunds()).toEqual([]);
});

test("a stranger's purchase does not cancel a trial that has just become paid by a bank debit", async () => {
  const { id } = await buyByDebit({ trialDays: 14 });
  await nest.passTime(14.2 * DAY);
  expect(await stored(id)).toMatchObject({ status: "active", unpaidSince: expect.any(String) });
  nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect(atStripe(id)).toBe("active");
});

test("a subscription whose first bank debit is processing loses to a newer one that its own customer paid", async () => {
  const { id, customer } = await buyByDebit();
  nest.clock.advance(600);
  nest.stripe.attachCard(customer, {});
  const paid = nest.stripe.createSubscription({ email: ADA, customer });
  await nest.deliverEvents();
  expect([atStripe(id), atStripe(paid.id)]).toEqual(["canceled", "active"]);
});

test("a renewal by bank debit that is processing leaves the subscription paid", async () => {
  const { id, customer } = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  nest.stripe.attachCard(customer, { processes: true });
  await nest.passTime(32 * DAY);
  expect(atStripe(id)).toBe("active");
  expect(await stored(id)).toMatchObject({ unpaidSince: null, pastDueUntil: null });
  await nest.passTime(10 * DAY);
  expect(await status()).toBe("active");
});

describe("a bank debit that succeeds after its buyer canceled the subscription", () => {
  const expectAlarm = async (id: string) => {
    const alarms = nest.logged("paid_after_end");
    expect(alarms).toEqual([expect.objectContaining({ alarm: true, subscription_id: id })]);
    expect(await stored(id)).toMatchObject({ status: "canceled", wasPaid: true });
    expect((await stored(id))?.unpaidSince ?? null).toBeNull();
  };

  test("raises an alarm when another plan is kept", async () => {
    const paid = nest.stripe.createSubscription({ email: ADA, price: await yearlyPrice() });
    await nest.deliverEvents();
    await nest.passTime(DAY);
    nest.stripe.attachCard(paid.customer, { processes: true });
    const { id } = await buyByDebit({ customer: paid.customer, card: undefined });
    nest.stripe.cancelSubscription(id);
    await nest.deliverEvents();
    await nest.passTime(3 * DAY);
    await settle(id, "succeeded");
    await expectAlarm(id);
    expect(atStripe(paid.id)).toBe("active");
  });

  test("raises an alarm when no other subscription is kept, and the debit counts as paid", async () => {
    const { id } = await buyByDebit();
    nest.stripe.cancelSubscription(id);
    await nest.deliverEvents();
    await nest.passTime(3 * DAY);
    await settle(id, "succeeded");
    await expectAlarm(id);
  });

  test("raises an alarm when the debit was for a renewal", async () => {
    const { id, customer } = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    nest.stripe.attachCard(customer, { processes: true });
    await nest.passTime(32 * DAY);
    nest.stripe.cancelSubscription(id);
    await nest.deliverEvents();
    nest.clock.advance(DAY);
    await settle(id, "succeeded");
    await expectAlarm(id);
  });
});

test("a payment from before the end of its subscription raises no alarm when its event is late", async () => {
  const { id, customer } = nest.stripe.createSubscription({ email: ADA });
  await nest.webhook(nest.eventOf("customer.subscription.created", id));
  nest.clock.advance(60);
  nest.stripe.cancelSubscription(id);
  await nest.webhook(nest.eventOf("customer.subscription.deleted", id));
  expect(await stored(id)).toMatchObject({ status: "canceled", stpCustomerId: customer });
  await nest.deliverEvents();
  expect(nest.logged("paid_after_end")).toEqual([]);
});

describe("an invoice that was paid outside Stripe", () => {
  /** An invoice that is sent by email leaves the subscription active, and no payment of it is processing. */
  const buyByInvoice = async (details: object = {}) => {
    const bought = await buyByDebit(details);
    nest.stripe.settlePayment(bought.id, "failed");
    nest.stripe.updateSubscription(bought.id, { fields: { status: "active" } });
    await nest.deliverEvents();
    return bought;
  };

  test("restores the access of a subscription that was never paid", async () => {
    const { id } = await buyByInvoice();
    expect(await stored(id)).toMatchObject({ unpaidSince: expect.any(String) });
    await nest.passTime(2 * DAY);
    nest.stripe.payOutOfBand(id);
    await nest.deliverEvents();
    expect(await stored(id)).toMatchObject({ unpaidSince: null, pastDueUntil: null });
    await nest.passTime(PAST_DUE_DAYS * DAY);
    expect(await status()).toBe("active");
  });

  test("raises an alarm when its subscription was rejected before, once", async () => {
    nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    nest.clock.advance(60);
    const { id } = await buyByDebit();
    nest.clock.advance(60);
    nest.stripe.settlePayment(id, "failed");
    nest.stripe.payOutOfBand(id);
    for (let copy = 0; copy < 2; copy++) await nest.deliverEvents();
    expect(nest.logged("paid_outside_stripe")).toEqual([
      expect.objectContaining({ alarm: true, subscription_id: id, amount: 499 }),
    ]);
  });
});

test("an invoice.paid event of a paid subscription sends no request and changes no record, in any order", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  await nest.passTime(32 * DAY);
  const before = await stored(id);
  await nest.collection("stripe-events").deleteMany({});
  nest.stripe.clear();
  const events = nest.stripe.events().filter(({ type }) => type === "invoice.paid");
  expect(events.length).toBeGreaterThan(1);
  for (const event of [...events].reverse()) expect((await nest.webhook(event)).status).toBe(200);
  expect(nest.stripe.requests).toEqual([]);
  expect(await stored(id)).toEqual(before);
});
