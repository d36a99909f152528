import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY, MINUTE } from "#core/clock.ts";
import { codeIn, startNest, type TestNest, V2 } from "#tests/support/nest.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

/** The code of the claimed trial's link. */
let code: string;
/** A trial of Nest, which a stranger may have claimed, and its event. @returns Stripe's id of its subscription */
async function claimTrial(): Promise<string> {
  expect(await nest.startTrial(ADA, "198.51.100.7")).toBe("204");
  code = codeIn(nest.lastMail(ADA));
  await nest.deliverEvents();
  nest.clock.advance(10 * MINUTE);
  return nest.stripe.subscriptions().at(-1)?.id as string;
}
/** The person buys a trial with a card. @returns Stripe's id of its subscription */
async function buyTrial(): Promise<string> {
  const { id } = nest.stripe.createSubscription({ email: ADA, trialDays: 14, card: {} });
  await nest.deliverEvents();
  return id;
}
const atStripe = (id: string) => nest.stripe.subscriptions().find((one) => one.id === id)?.status;
const aboutRejections = () => nest.ses.inbox.filter(({ subject }) => /Duplicate|replaced/.test(subject));

test("keeps a trial that a person bought instead of one that a stranger claimed and nobody used, without a mail", async () => {
  const claimed = await claimTrial();
  const bought = await buyTrial();
  expect([atStripe(claimed), atStripe(bought)]).toEqual(["canceled", "trialing"]);
  expect(aboutRejections()).toEqual([]);
  await nest.signIn(ADA);
  expect(await nest.subscriptionStatus(await nest.userIdOf(ADA))).toBe("trialing");
});

test("keeps the trial that a person used, and mails when it ends", async () => {
  const claimed = await claimTrial();
  const { access_token: bearer, user_id } = await nest.signIn(ADA, {
    device: { platform: "mac", beak_id: ADA, fingerprint: ADA },
  });
  await nest.call(`${V2}get_subscription_status`, { user_id }, { bearer });
  const bought = await buyTrial();
  expect([atStripe(claimed), atStripe(bought)]).toEqual(["trialing", "canceled"]);
  expect(aboutRejections().at(-1)?.text).toContain("Your trial stays and ends on");
});

test("keeps the trial whose link was redeemed, and mails that its days begin at its first use", async () => {
  const claimed = await claimTrial();
  expect((await nest.redeem(code)).status).toBe(200);
  nest.clock.advance(DAY);
  const bought = await buyTrial();
  expect([atStripe(claimed), atStripe(bought)]).toEqual(["trialing", "canceled"]);
  const text = aboutRejections().at(-1)?.text ?? "";
  expect(text).toMatch(
    /Your trial stays\. Its 14 days begin when you first use it\. If nobody uses it, it ends by itself on \w+ \d+/,
  );
  expect(text).not.toContain("stays and ends on");
});
