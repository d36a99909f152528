import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";

const ADA = "ada@example.com";
const DUPLICATE = "Duplicate Beak Subscription";
const REPLACED = "Your Beak subscription was replaced";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

/** The texts of the mails with one subject. */
const mails = (subject: string) =>
  nest.ses.inbox.filter((mail) => mail.subject === subject).map(({ text }) => text);
const day = (iso: Date) => {
  const format = {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  } as const;
  return new Intl.DateTimeFormat("en-GB", format).format(iso).replace(",", "");
};

test("mails nothing about a first attempt that was never paid when its owner pays at the second attempt", async () => {
  nest.stripe.createSubscription({ email: ADA, status: "incomplete" });
  await nest.deliverEvents();
  nest.clock.advance(60);
  const second = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect(nest.stripe.subscriptions().filter(({ status }) => status === "canceled")).toHaveLength(1);
  expect(nest.mailSubjects()).toEqual(["Welcome to Beak!"]);
  expect(nest.stripe.refunds()).toEqual([]);
  expect(second.status).toBe("active");
});

test("names the refund of a duplicate and the subscription that stays", async () => {
  nest.stripe.createSubscription({ email: ADA });
  nest.clock.advance(60);
  nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  const [text] = mails(DUPLICATE);
  expect(text).toContain(`We canceled the monthly subscription that you bought on ${day(nest.clock.now())}.`);
  expect(text).toContain("We refunded £4.99 to the payment method");
  expect(text).toContain("stays and renews as before");
});

test("mentions no refund when a subscription that is past due was replaced", async () => {
  nest.stripe.createSubscription({ email: ADA, status: "past_due" });
  await nest.deliverEvents();
  nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect(mails(DUPLICATE)).toEqual([]);
  const [text] = mails(REPLACED);
  expect(text).toContain("Your new Beak subscription replaces the one that you had.");
  expect(text).toContain("stays and renews as before");
  expect(text).not.toMatch(/refund|credit|£/);
});

test("mentions no refund that Stripe refused", async () => {
  nest.stripe.createSubscription({ email: ADA });
  nest.clock.advance(60);
  nest.stripe.createSubscription({ email: ADA });
  nest.stripe.refuseRefunds(Array.from({ length: 9 }, () => "charge_expired_for_refund" as const));
  for (let tries = 0; tries < 4; tries++) {
    for (const event of [...nest.stripe.events()]) await nest.webhook(event);
    nest.clock.advance(120);
  }
  const [text] = mails(DUPLICATE);
  expect(text).toContain("We canceled the monthly subscription");
  expect(text).not.toMatch(/refund|credit|£/);
});

test("keeps the new subscription when a subscription that is scheduled to end is bought again, and names the refund", async () => {
  const ending = nest.stripe.createSubscription({ email: ADA });
  nest.stripe.cancelSubscription(ending.id, { isAtPeriodEnd: true });
  await nest.deliverEvents();
  await nest.passTime(10 * DAY);
  nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  const [refund] = nest.stripe.refunds();
  const [text] = mails(REPLACED);
  expect(text).toContain(`We refunded £${((refund?.amount ?? 0) / 100).toFixed(2)}`);
  expect(text).toContain("stays and renews as before");
  await nest.passTime(60 * DAY);
  expect(await nest.subscriptionStatus(await nest.userIdOf(ADA))).toBe("active");
});

test("says until when the kept subscription stays if both are scheduled to end", async () => {
  const first = nest.stripe.createSubscription({ email: ADA });
  nest.stripe.cancelSubscription(first.id, { isAtPeriodEnd: true });
  nest.clock.advance(60);
  const second = nest.stripe.createSubscription({ email: ADA });
  nest.stripe.cancelSubscription(second.id, { isAtPeriodEnd: true });
  await nest.deliverEvents();
  const kept = nest.stripe.subscriptions().find(({ id }) => id === first.id);
  const [text] = mails(DUPLICATE);
  expect(text).toContain(
    `stays until ${day(new Date((kept?.cancel_at ?? 0) * 1000))}, when it ends as scheduled`,
  );
});

test("mails the owner of a trial with a card the day and the amount of the charge", async () => {
  const promotionCode = nest.stripe.createPromotionCode({ percentOff: 50 }).id;
  nest.stripe.createSubscription({ email: ADA, trialDays: 14, card: {}, promotionCode });
  nest.stripe.createSubscription({ email: "bob@example.com", trialDays: 14 });
  await nest.deliverEvents();
  const ends = day(new Date(nest.clock.now().getTime() + 14 * DAY * 1000));
  const ada = nest.lastMail(ADA).text;
  expect(ada).toContain(
    `ends on ${ends}. Your subscription begins then, and your payment method is charged £2.49.`,
  );
  expect(ada).not.toContain("nothing is charged");
  expect(nest.lastMail("bob@example.com").text).toContain("nothing is charged until you choose to continue");
});
