import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { formatDay } from "#core/messages/formats.ts";
import type { DoubleEvent } from "#stripe_double/types.ts";
import { linkRequest, PRICE_ID, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { pauseWebhook } from "#tests/support/paused_webhook.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const created = (id: string) => nest.eventOf("customer.subscription.created", id);
const subjectsTo = (address: string) =>
  nest.ses.inbox.filter(({ to }) => to === address).map(({ subject }) => subject);
const WELCOME = "Welcome to Beak!";
const DUPLICATE = "Duplicate Beak Subscription";

/** Posts events concurrently and retries failed events, as Stripe does. Claims and leases expire in between. */
const deliverUntilAccepted = async (...events: DoubleEvent[]) => {
  let waiting = events;
  for (let tries = 0; tries < 10 && waiting.length > 0; tries++) {
    const answers = await Promise.all(waiting.map((event) => nest.webhook(event)));
    waiting = waiting.filter((_, index) => answers[index]?.status !== 200);
    nest.clock.advance(150);
  }
  if (waiting.length > 0) throw new Error("an event was never accepted");
};
const buyTwice = (email = ADA) => {
  const first = nest.stripe.createSubscription({ email });
  nest.clock.advance(5);
  const second = nest.stripe.createSubscription({ email });
  return { first: created(first.id), second: created(second.id) };
};

test("sends one welcome when two subscriptions are bought at once and the event of the later subscription arrives first", async () => {
  const { first, second } = buyTwice();
  for (const event of [second, first]) expect((await nest.webhook(event)).status).toBe(200);
  await nest.deliverEvents();
  expect(subjectsTo(ADA).sort()).toEqual([DUPLICATE, WELCOME]);
});

test("sends one welcome when both events arrive at the same time", async () => {
  for (let round = 0; round < 20; round++) {
    const address = `round${round}@example.com`;
    const { first, second } = buyTwice(address);
    await deliverUntilAccepted(second, first);
    expect(subjectsTo(address).sort()).toEqual([DUPLICATE, WELCOME]);
  }
});

test("sends the welcome of the kept subscription after an earlier attempt failed", async () => {
  const { first, second } = buyTwice();
  nest.ses.fault({ calls: 1, kind: "error" });
  expect((await nest.webhook(second)).body.code).toBe("email_not_sent");
  await deliverUntilAccepted(first);
  await deliverUntilAccepted(second);
  expect(subjectsTo(ADA).sort()).toEqual([DUPLICATE, WELCOME]);
});

test("welcomes a customer again who subscribes again later", async () => {
  const { first, second } = buyTwice();
  for (const event of [second, first]) await nest.webhook(event);
  await nest.deliverEvents();
  for (const { id, status } of nest.stripe.subscriptions()) {
    if (status === "active") nest.stripe.cancelSubscription(id);
  }
  await nest.deliverEvents();
  nest.clock.advance(86_400);
  nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect(subjectsTo(ADA).sort()).toEqual([DUPLICATE, WELCOME, WELCOME]);
});

test("returns 503 while the rejected subscription's welcome may still be sent, then sends the kept one's", async () => {
  const { first, second } = buyTwice();
  nest.ses.fault({ calls: 1, kind: "error" });
  expect((await nest.webhook(first)).body.code).toBe("email_not_sent");
  await deliverUntilAccepted(second);
  const { id } = second.data.object as { id: string };
  const claim = { claimedAt: nest.clock.now().toISOString(), sentAt: null };
  const subscriptions = nest.collection("subscriptions");
  await subscriptions.updateOne({ stpSubscriptionId: id }, { $set: { "mails.welcome": claim } });
  expect(await nest.webhook(first)).toMatchObject({ status: 503, body: { code: "unavailable" } });
  expect(subjectsTo(ADA)).toEqual([DUPLICATE]);
  await deliverUntilAccepted(first);
  expect(subjectsTo(ADA)).toEqual([DUPLICATE, WELCOME]);
});

test("sends no welcome for a subscription that is rejected while its own event is processed", async () => {
  const flagging = await startNest({ beside: nest, environment: { TRIAL_CARD_POLICY: "flag" } });
  const { first, second } = buyTwice();
  nest.ses.fault({ calls: 1, kind: "error" });
  expect((await nest.webhook(second)).body.code).toBe("email_not_sent");
  // The second request to Stripe reads the subscription's cards. At this moment it is the kept subscription.
  const paused = pauseWebhook(flagging.environment, nest, 2);
  const answer = paused.post(second);
  await paused.reached;
  expect((await nest.webhook(first)).status).toBe(200);
  paused.resume();
  expect((await answer).statusCode).toBe(503);
  await deliverUntilAccepted(second);
  expect(subjectsTo(ADA).sort()).toEqual([DUPLICATE, WELCOME]);
  await paused.close();
  await flagging.stop();
});

describe("the welcome to a trial that Nest made", () => {
  const TRIAL = "Your Beak Trial has begun!";
  const claim = async () =>
    expect((await nest.call(`${V2}create_trial_and_magic_link`, linkRequest())).status).toBe(204);
  const inDays = (days: number) =>
    formatDay(new Date(nest.clock.now().getTime() + days * DAY * 1000).toISOString());
  const welcomeText = () => nest.ses.inbox.find(({ subject }) => subject === TRIAL)?.text;

  test("says that its days begin at its first use, and when it ends if nobody uses it", async () => {
    await claim();
    await nest.deliverEvents();
    expect(welcomeText()).toContain(
      `Your trial is ready. Its 14 days begin when you first use it. If nobody uses it, it ends by itself on ${inDays(14)}, and nothing is charged.`,
    );
    expect(welcomeText()).not.toMatch(/is active|has begun/);
  });

  test("says when the trial ends if it was used before", async () => {
    await claim();
    nest.clock.advance(2 * DAY);
    const { access_token, user_id } = await nest.signIn(ADA);
    const status = await nest.call(`${V2}get_subscription_status`, { user_id }, { bearer: access_token });
    expect(status.body.status).toBe("trialing");
    await nest.deliverEvents();
    expect(welcomeText()).toContain(`Your trial is active and ends on ${inDays(14)}; nothing is charged`);
    expect(welcomeText()).toContain("Your Beak trial has begun");
  });

  test("says that its days begin at its first use if Nest scheduled its end, because the customer has a card", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    nest.stripe.cancelSubscription(id);
    await nest.deliverEvents();
    await claim();
    await nest.deliverEvents();
    expect(nest.stripe.subscriptions().at(-1)).toMatchObject({ cancel_at_period_end: true });
    expect(welcomeText()).toContain(
      `Your trial is ready. Its 14 days begin when you first use it. If nobody uses it, it ends by itself on ${inDays(14)}, and nothing is charged.`,
    );
    expect(welcomeText()).not.toMatch(/is active|has begun/);
  });

  test("says when the trial ends if its owner scheduled the end, so that no use moves it", async () => {
    await claim();
    const [trial] = nest.stripe.subscriptions();
    nest.stripe.updateSubscription(trial?.id as string, { cancel_at_period_end: true });
    await nest.deliverEvents();
    expect(welcomeText()).toContain(`Your trial is active and ends on ${inDays(14)}; nothing is charged`);
  });
});

test("mails the user's own address when mail can't be sent to the address of the mapped customer", async () => {
  const first = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  nest.stripe.cancelSubscription(first.id);
  await nest.deliverEvents();
  const post = (path: string, params: Record<string, string>) =>
    fetch(`${nest.stripe.url}${path}`, {
      ...{ method: "POST", body: new URLSearchParams(params) },
      headers: { authorization: `Bearer ${nest.stripe.secretKey}` },
    });
  await post(`/v1/customers/${first.customer}`, { email: "ada..lovelace@example.com" });
  const price = PRICE_ID;
  await post("/v1/subscriptions", { customer: first.customer, "items[0][price]": price });
  expect((await nest.deliverEvents()).every(([, status]) => status === 200)).toBe(true);
  expect(subjectsTo(ADA)).toEqual([WELCOME, WELCOME]);
  expect(nest.logged("mail_without_address")).toEqual([]);
});
