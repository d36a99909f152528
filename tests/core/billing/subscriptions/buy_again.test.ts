import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";

const ADA = "ada@example.com";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
  await nest.signIn(ADA);
});
afterEach(() => nest.stop());

const atStripe = (id: string) => nest.stripe.subscriptions().find((one) => one.id === id)?.status;
const status = async () => nest.subscriptionStatus(await nest.userIdOf(ADA));

/** Buys a monthly subscription, whose collection an operator pauses. @returns its id and its customer */
async function buyAndPause(behavior: "void" | "keep_as_draft" | "mark_uncollectible") {
  const bought = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  nest.stripe.updateSubscription(bought.id, { pause_collection: { behavior } });
  await nest.deliverEvents();
  return bought;
}

/** Buys a monthly subscription whose second invoice fails, and which is active because an operator voided the invoice. */
async function buyAndWriteOff() {
  const bought = nest.stripe.createSubscription({ email: ADA });
  const [renewsAt = 0] = nest.stripe.subscriptions().map(({ items }) => items.data[0]?.current_period_end);
  await nest.deliverEvents();
  nest.stripe.attachCard(bought.customer, { declines: true });
  // Months differ in length.
  await nest.passTime(renewsAt - nest.stripe.now() + DAY / 2);
  nest.stripe.voidOpenInvoice(bought.id);
  await nest.deliverEvents();
  return bought;
}

test.each(["another customer", "the same customer"])(
  "keeps a new purchase by %s when a paused subscription grants no access anymore",
  async (who) => {
    const paused = await buyAndPause("void");
    await nest.passTime(35 * DAY);
    expect(await status()).toBe("no_active_subscription");
    const bought = nest.stripe.createSubscription(
      who === "another customer" ? { email: ADA } : { email: ADA, customer: paused.customer },
    );
    await nest.deliverEvents();
    expect(await status()).toBe("active");
    expect([atStripe(paused.id), atStripe(bought.id)]).toEqual(["canceled", "active"]);
    expect(nest.stripe.refunds()).toEqual([]);
    expect(nest.lastMail().text).toContain("replaces the one that you had");
  },
);

test("keeps a new purchase when the invoice of the older subscription was voided and its paid period is over", async () => {
  const unpaid = await buyAndWriteOff();
  await nest.passTime(3 * DAY);
  expect([atStripe(unpaid.id), await status()]).toEqual(["active", "no_active_subscription"]);
  const bought = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect(await status()).toBe("active");
  expect([atStripe(unpaid.id), atStripe(bought.id)]).toEqual(["canceled", "active"]);
  expect(nest.stripe.refunds()).toEqual([]);
});

test("keeps a purchase that waits for its first payment beside a subscription that grants no access anymore", async () => {
  const unpaid = await buyAndWriteOff();
  await nest.passTime(3 * DAY);
  const bought = nest.stripe.createSubscription({ email: ADA, card: { declines: true } });
  await nest.deliverEvents();
  expect([atStripe(unpaid.id), atStripe(bought.id)]).toEqual(["active", "incomplete"]);
  nest.stripe.attachCard(bought.customer, {});
  nest.stripe.pay(bought.id);
  await nest.deliverEvents();
  expect([atStripe(unpaid.id), atStripe(bought.id)]).toEqual(["canceled", "active"]);
  expect(await status()).toBe("active");
});

test("refuses a trial to the owner of an active subscription whose last invoice was voided", async () => {
  await buyAndWriteOff();
  await nest.passTime(3 * DAY);
  expect(await nest.startTrial(ADA, "198.51.100.7")).toBe("already_subscribed");
  const trial = nest.stripe.createSubscription({ email: ADA, trialDays: 14 });
  await nest.deliverEvents();
  expect(atStripe(trial.id)).toBe("canceled");
});

test.each(["void", "keep_as_draft", "mark_uncollectible"] as const)(
  "does not say that a subscription paused with %s renews",
  async (behavior) => {
    const paused = await buyAndPause(behavior);
    await nest.passTime(10 * DAY);
    const bought = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    expect([atStripe(paused.id), atStripe(bought.id)]).toEqual(["active", "canceled"]);
    const { text = "" } = nest.lastMail();
    expect(text).toContain("stays. Payments for it are paused");
    expect(text).not.toContain("renews");
    expect(text.includes("It is paid for until")).toBe(behavior === "void");
  },
);

test("says until when a kept subscription with a voided invoice is paid for", async () => {
  const unpaid = await buyAndWriteOff();
  const bought = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect([atStripe(unpaid.id), atStripe(bought.id)]).toEqual(["active", "canceled"]);
  const { text = "" } = nest.lastMail();
  expect(text).toMatch(/stays\. Its last invoice was canceled. It is paid for until \w+ \d+ \w+ \d+\./);
  expect(text).not.toContain("renews");
});
