import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY, HOUR } from "#core/clock.ts";
import type { Reply, TestNest } from "#tests/support/nest.ts";
import { type Shopper, signInShopper, startShop } from "#tests/support/plans.ts";

let nest: TestNest;
let ada: Shopper;
beforeEach(async () => {
  nest = await startShop();
  ada = await signInShopper(nest);
});
afterEach(() => nest.stop());

const UPDATE = "POST /v1/subscriptions/";
const change = (plan: string, person = ada) => person.call("change_plan", { plan });
const codeOf = ({ status, body }: Reply) => (status === 200 ? 200 : body.code);
const planOf = async (person = ada) => (await person.status()).body.plan;
const only = () => {
  const [subscription, ...others] = nest.stripe.subscriptions();
  if (!subscription || others.length > 0) throw new Error("not exactly one subscription");
  return subscription;
};
const priceNow = () => only().items.data[0]?.price.id;
const charges = () => nest.stripe.ledger().charges.filter(({ paid }) => paid);
const updates = () =>
  nest.stripe.requests.filter(({ method, path }) => `${method} ${path}`.startsWith(UPDATE));
/** The card of the only subscription declines from now on, or works again. */
const setCard = (declines: boolean) => {
  const { id, customer } = only();
  const { id: card } = nest.stripe.attachCard(customer, { declines });
  nest.stripe.updateSubscription(id, { default_payment_method: card });
};

describe("of a paid subscription", () => {
  beforeEach(async () => {
    await ada.buy("basic");
    nest.clock.advance(5 * DAY);
  });

  test("charges the rest of the period at once, and the next status and entitlement have the new features", async () => {
    expect((await change("pro")).body).toEqual({ plan: "pro", features: ["sync", "teams"] });
    const { body } = await ada.status();
    expect(body).toMatchObject({ status: "active", plan: "pro", features: ["sync", "teams"] });
    const [, claims = ""] = body.entitlement.split(".");
    expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toMatchObject({
      plan: "pro",
      features: ["sync", "teams"],
    });
    const [, rest] = charges();
    expect(rest?.amount).toBeGreaterThan(380);
    expect(rest?.amount).toBeLessThan(430);
    await nest.deliverEvents();
    expect(await planOf()).toBe("pro");
    expect(nest.stripe.refunds()).toEqual([]);
  });

  test("to another interval starts a period, and credits the rest of the old one", async () => {
    expect(codeOf(await change("yearly"))).toBe(200);
    await nest.deliverEvents();
    const { body } = await ada.status();
    const days = (Date.parse(body.end_date) - nest.clock.now().getTime()) / (DAY * 1000);
    expect(Math.round(days)).toBe(365);
    expect(charges()[1]?.amount).toBeLessThan(4900);
  });

  test("to a cheaper plan credits the next invoices, and pays nothing out", async () => {
    await change("pro");
    nest.clock.advance(60);
    expect(codeOf(await change("basic"))).toBe(200);
    await nest.deliverEvents();
    expect(await planOf()).toBe("basic");
    expect(charges()).toHaveLength(2);
    expect(nest.stripe.customers()).toMatchObject([{ balance: expect.any(Number) }]);
    expect(nest.stripe.refunds()).toEqual([]);
  });

  test("can be repeated and raced: it is charged once", async () => {
    const replies = await Promise.all(Array.from({ length: 12 }, () => change("pro")));
    expect(new Set(replies.map(codeOf))).toEqual(new Set([200]));
    expect(codeOf(await change("pro"))).toBe(200);
    await nest.deliverEvents();
    expect(codeOf(await change("pro"))).toBe(200);
    expect(charges()).toHaveLength(2);
  });

  test.each(["pro", "yearly"])(
    "to %s waits for a payment that was declined, and begins once it is paid",
    async (plan) => {
      setCard(true);
      const refused = await change(plan);
      expect([refused.status, refused.body.code]).toEqual([402, "payment_required"]);
      expect(refused.body.meta.billing_portal_url).toContain(`${nest.stripe.url}/p/session/`);
      await nest.deliverEvents();
      expect((await ada.status()).body).toMatchObject({
        status: "active",
        plan: "basic",
        features: ["sync"],
      });
      // Asked again, the same change is not attempted again.
      const before = updates().length;
      expect(codeOf(await change(plan))).toBe("payment_required");
      expect(updates()).toHaveLength(before);
      const form = new URLSearchParams({ action: "card", card: "succeeds" });
      await fetch(refused.body.meta.billing_portal_url, { method: "POST", body: form });
      setCard(false);
      nest.stripe.pay(only().id);
      await nest.deliverEvents();
      expect(await planOf()).toBe(plan);
      expect(codeOf(await change(plan))).toBe(200);
    },
  );

  test("that nobody pays is dropped, and the old plan continues until the period ends", async () => {
    setCard(true);
    await change("pro");
    const end = (await ada.status()).body.end_date;
    await nest.passTime(23 * HOUR + 60);
    const { body } = await ada.status();
    expect(body).toMatchObject({ status: "active", plan: "basic", end_date: end });
    expect(only().pending_update).toBeNull();
    expect(
      nest.logged("stripe_event").filter(({ type }) => String(type).includes("pending_update")),
    ).toMatchObject([{ type: "customer.subscription.pending_update_expired", status: "done" }]);
    setCard(false);
    expect(codeOf(await change("pro"))).toBe(200);
    expect(priceNow()).toBe("price_pro");
  });

  test("back to the current plan drops the change that waits for its payment", async () => {
    setCard(true);
    await change("pro");
    expect(codeOf(await change("basic"))).toBe(200);
    expect(only().pending_update).toBeNull();
    expect(priceNow()).not.toBe("price_pro");
    await nest.deliverEvents();
    expect(await planOf()).toBe("basic");
  });

  test("is refused while the end is scheduled, because the paid period would end with it", async () => {
    nest.stripe.cancelSubscription(only().id, { isAtPeriodEnd: true });
    for (const deliver of [async () => undefined, () => nest.deliverEvents()]) {
      await deliver();
      const refused = await change("yearly");
      expect([refused.status, refused.body.code]).toEqual([409, "subscription_ending"]);
      expect(refused.body.meta.billing_portal_url).toContain("/p/session/");
    }
    expect(charges()).toHaveLength(1);
  });

  test.each([
    ["an unknown plan", "gold", "plan_not_found"],
    ["a plan that has ended", "old", "plan_ended"],
  ])("to %s is refused", async (_what, plan, code) => {
    expect(codeOf(await change(plan))).toBe(code);
    expect(charges()).toHaveLength(1);
  });

  test("to a price that Stripe does not have is refused, and changes nothing", async () => {
    const broken = await startShop({ beside: nest, environment: { STRIPE_PRICE_ID: "price_gone" } });
    const person = await signInShopper(broken);
    await change("pro");
    expect(codeOf(await change("basic", person))).toBe("price_not_found");
    expect(priceNow()).toBe("price_pro");
    await broken.stop();
  });

  test.each(["error", "rate_limited", "hang", "error_after", "hang_after"] as const)(
    "while Stripe fails (%s) returns stripe_error, and charges once when it is repeated",
    async (kind) => {
      nest.stripe.fault({ calls: 1, kind, on: UPDATE });
      expect(codeOf(await change("pro"))).toBe("stripe_error");
      // An error that Stripe stored under the idempotency key is repeated for a while.
      nest.clock.advance(11 * 60);
      expect(codeOf(await change("pro"))).toBe(200);
      await nest.deliverEvents();
      expect(await planOf()).toBe("pro");
      expect(charges()).toHaveLength(2);
    },
  );
});

test("a plan that is not sold anymore stays the plan of those who have it", async () => {
  nest.stripe.createSubscription({ email: "ada@example.com", price: "price_old" });
  await nest.deliverEvents();
  expect((await ada.status()).body).toMatchObject({ plan: "old", features: ["sync"] });
  expect(codeOf(await change("old"))).toBe(200);
  expect(codeOf(await change("pro"))).toBe(200);
  expect(codeOf(await change("old"))).toBe("plan_ended");
});

test("without a subscription, and with a trial, a checkout is required", async () => {
  expect(codeOf(await change("pro"))).toBe("checkout_required");
  await nest.startTrial("eve@example.com", "198.51.100.1");
  const eve = await signInShopper(nest, "eve@example.com");
  expect(codeOf(await change("pro", eve))).toBe("checkout_required");
  expect((await eve.status()).body).toMatchObject({ status: "trialing", plan: "basic" });
});

test("a user who owes a payment gets payment_required", async () => {
  nest.stripe.createSubscription({ email: "ada@example.com", status: "past_due" });
  await nest.deliverEvents();
  expect(codeOf(await change("pro"))).toBe("payment_required");
});

test("a caller without a proved address can't change the subscription that matches it", async () => {
  await ada.buy("basic");
  await nest.collection("identifiers").updateMany({}, { $set: { verifiedAt: null } });
  expect(codeOf(await change("pro"))).toBe("checkout_required");
  expect(updates()).toEqual([]);
});
