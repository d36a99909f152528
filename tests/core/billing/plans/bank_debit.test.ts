import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY, HOUR } from "#core/clock.ts";
import type { TestNest } from "#tests/support/nest.ts";
import { type Shopper, sessionIn, signInShopper, startShop } from "#tests/support/plans.ts";

const PAST_DUE_DAYS = 7;
let nest: TestNest;
let ada: Shopper;
beforeEach(async () => {
  nest = await startShop();
  ada = await signInShopper(nest);
});
afterEach(() => nest.stop());

const statuses = () => nest.stripe.subscriptions().map(({ status }) => status);
const paid = () => nest.stripe.ledger().charges.filter((charge) => charge.paid);
const codeOf = async (plan: string) => {
  const { status, body } = await ada.checkout(plan);
  return status === 200 ? 200 : body.code;
};
const access = async () => {
  const { status, body } = await ada.status();
  return status === 200 ? [body.status, body.plan] : body.code;
};
const welcomes = () => nest.ses.inbox.filter(({ subject }) => subject.startsWith("Welcome")).length;
/** Opens the page of a plan, and pays there. @returns Stripe's id of the subscription, or null if it was declined */
async function pay(plan: string, payment: Parameters<typeof nest.stripe.payCheckout>[1]) {
  const { body } = await ada.checkout(plan);
  const subscription = nest.stripe.payCheckout(sessionIn(body.url), payment);
  await nest.deliverEvents();
  return subscription;
}
const payByDebit = async (plan: string, isIncompleteUntilPaid = false) =>
  String(await pay(plan, { card: { processes: true }, isIncompleteUntilPaid }));
async function settle(id: string, outcome: "succeeded" | "failed"): Promise<void> {
  nest.stripe.settlePayment(id, outcome);
  nest.stripe.advance(0);
  await nest.deliverEvents();
}

describe("a purchase by bank debit", () => {
  test("gives access for the days to pay, then none until the debit is paid, then until the end of its period", async () => {
    const id = await payByDebit("pro");
    expect(await access()).toEqual(["active", "pro"]);
    const { body } = await ada.status();
    const days = (Date.parse(body.end_date) - nest.clock.now().getTime()) / (DAY * 1000);
    expect(Math.round(days)).toBe(PAST_DUE_DAYS);
    await nest.passTime((PAST_DUE_DAYS + 1) * DAY);
    expect(await access()).toBe("no_active_subscription");
    await settle(id, "succeeded");
    expect(await access()).toEqual(["active", "pro"]);
    expect(paid()).toHaveLength(1);
  });

  test("grants nothing after it failed late, and the plan can be bought again once Stripe has given up", async () => {
    const id = await payByDebit("pro");
    await nest.passTime((PAST_DUE_DAYS + 2) * DAY);
    const { customer = "" } = nest.stripe.subscriptions()[0] ?? {};
    const card = nest.stripe.attachCard(customer, { declines: true });
    nest.stripe.updateSubscription(id, { default_payment_method: card.id });
    await settle(id, "failed");
    expect(statuses()).toEqual(["canceled"]);
    expect(await access()).toBe("no_active_subscription");
    expect(paid()).toEqual([]);
    await ada.buy("pro");
    expect(await access()).toEqual(["active", "pro"]);
  });

  test("that fails early asks for the payment before another purchase, and its days to pay end", async () => {
    const id = await payByDebit("pro");
    await settle(id, "failed");
    expect(await access()).toEqual(["past_due", "pro"]);
    expect(await codeOf("pro")).toBe("payment_required");
    nest.clock.advance((PAST_DUE_DAYS + 1) * DAY);
    expect(await access()).toBe("no_active_subscription");
  });

  test("can't be bought a second time while it is processing", async () => {
    await payByDebit("pro");
    expect(await codeOf("pro")).toBe("already_subscribed");
  });

  test("leaves the old plan until it is paid, and loses to it if it fails", async () => {
    await ada.buy("basic");
    nest.clock.advance(DAY);
    const id = await payByDebit("pro");
    expect(await access()).toEqual(["active", "basic"]);
    await settle(id, "failed");
    expect(await access()).toEqual(["active", "basic"]);
    expect(paid()).toHaveLength(1);
  });

  test.each(["basic", "yearly"])(
    "can't be changed to %s before it is paid, which would credit money never paid",
    async (plan) => {
      const bought = plan === "basic" ? "yearly" : "pro";
      const id = await payByDebit(bought);
      const refused = await ada.call("change_plan", { plan });
      expect([refused.status, refused.body.code]).toEqual([402, "payment_required"]);
      expect(await access()).toEqual(["active", bought]);
      expect(nest.stripe.ledger().invoices).toHaveLength(1);
      expect(nest.stripe.customers()).toMatchObject([{ balance: 0 }]);
      await settle(id, "succeeded");
      const { customer = "" } = nest.stripe.subscriptions()[0] ?? {};
      nest.stripe.updateSubscription(id, { default_payment_method: nest.stripe.attachCard(customer).id });
      expect((await ada.call("change_plan", { plan })).status).toBe(200);
    },
  );

  test("of a renewal blocks a change of plan until it is paid", async () => {
    const id = await ada.buy("yearly");
    const { customer = "" } = nest.stripe.subscriptions()[0] ?? {};
    const debit = nest.stripe.attachCard(customer, { processes: true });
    nest.stripe.updateSubscription(id, { default_payment_method: debit.id });
    await nest.passTime(366 * DAY);
    const again = await signInShopper(nest);
    expect((await again.call("change_plan", { plan: "basic" })).body.code).toBe("payment_required");
    await settle(id, "succeeded");
    expect((await again.call("change_plan", { plan: "basic" })).status).toBe(200);
  });

  test("can be confirmed as the plan that it already is while it is processing", async () => {
    await payByDebit("pro");
    expect((await ada.call("change_plan", { plan: "pro" })).body).toMatchObject({ plan: "pro" });
  });

  test("that stays incomplete gives access for one hour, then none until it is paid", async () => {
    const id = await payByDebit("pro", true);
    expect(await access()).toEqual(["incomplete", "pro"]);
    await nest.passTime(2 * HOUR);
    expect(await access()).toBe("no_active_subscription");
    await nest.passTime(4 * DAY);
    await settle(id, "succeeded");
    expect(await access()).toEqual(["active", "pro"]);
    expect(welcomes()).toBe(1);
  });

  test("that stays incomplete and fails late ends, is not welcomed, and the plan can be bought again", async () => {
    const id = await payByDebit("pro", true);
    await nest.passTime(4 * DAY);
    await settle(id, "failed");
    expect(statuses()).toEqual(["incomplete_expired"]);
    expect(await access()).toBe("no_active_subscription");
    expect(welcomes()).toBe(0);
    await ada.buy("pro");
    expect(await access()).toEqual(["active", "pro"]);
  });

  test("that clears after another plan was bought by card is returned in full or as its unused share", async () => {
    const debit = await payByDebit("pro", true);
    nest.clock.advance(60);
    await ada.buy("yearly");
    await settle(debit, "succeeded");
    expect(await access()).toEqual(["active", "yearly"]);
    expect(statuses().filter((status) => status === "active")).toHaveLength(1);
    const { refunds, balanceTransactions } = nest.stripe.ledger();
    expect(refunds.length + balanceTransactions.length).toBeGreaterThan(0);
  });
});

describe("a declined card at the checkout", () => {
  const declined = { card: { declines: true } };

  test("leaves one subscription, which another card on the same page pays", async () => {
    expect(await pay("pro", declined)).toBeNull();
    expect(statuses()).toEqual(["incomplete"]);
    expect(welcomes()).toBe(0);
    expect(await pay("pro", declined)).toBeNull();
    expect(await pay("pro", {})).not.toBeNull();
    expect(await access()).toEqual(["active", "pro"]);
    expect(statuses()).toEqual(["active"]);
    expect(paid()).toHaveLength(1);
    expect(welcomes()).toBe(1);
  });

  test("gives access for one hour, however often it is repeated, and ends with its page", async () => {
    await pay("pro", declined);
    expect(await access()).toEqual(["incomplete", "pro"]);
    await nest.passTime(HOUR / 2);
    await pay("yearly", declined);
    expect(statuses()).toEqual(["incomplete_expired", "incomplete"]);
    await nest.passTime(HOUR);
    expect(await access()).toBe("no_active_subscription");
    await nest.passTime(DAY);
    await nest.deliverEvents();
    expect(statuses()).toEqual(["incomplete_expired", "incomplete_expired"]);
    expect(paid()).toEqual([]);
  });

  test("changes nothing for a person with a trial or another plan", async () => {
    expect(await nest.startTrial("eve@example.com", "198.51.100.1")).toBe("204");
    const eve = await signInShopper(nest, "eve@example.com");
    await nest.deliverEvents();
    const { body } = await eve.checkout("pro");
    nest.stripe.payCheckout(sessionIn(body.url), declined);
    await nest.deliverEvents();
    expect((await eve.status()).body).toMatchObject({ status: "trialing", plan: "basic" });
    await ada.buy("basic");
    nest.clock.advance(60);
    await pay("pro", declined);
    expect(await access()).toEqual(["active", "basic"]);
  });
});

test.each(["succeeded", "failed"] as const)(
  "the event async_payment_%s is recorded as ignored",
  async (outcome) => {
    const id = await payByDebit("pro");
    nest.stripe.settlePayment(id, outcome);
    const type = `checkout.session.async_payment_${outcome}`;
    expect(await nest.deliverEvents()).toContainEqual([type, 200]);
    expect(await nest.collection("stripe-events").findOne({ type })).toMatchObject({ status: "ignored" });
  },
);
