import { afterEach, expect, test } from "vitest";
import { startNest, type TestNest } from "#tests/support/nest.ts";

const CARD = { fingerprint: "card-of-a-family" };
let nest: TestNest;
const start = async (policy?: string) => {
  nest = await startNest(policy === undefined ? {} : { environment: { TRIAL_CARD_POLICY: policy } });
};
afterEach(() => nest.stop());

const trial = (email: string, card: object | null = CARD) =>
  nest.stripe.createSubscription({ email, trialDays: 14, ...(card && { card }) });
const record = (id: string) => nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
const statuses = () => nest.stripe.subscriptions().map(({ status }) => status);

test("neither reads nor stores cards by default", async () => {
  await start();
  const { id } = trial("ada@example.com");
  trial("bob@example.com");
  await nest.deliverEvents();
  expect(statuses()).toEqual(["trialing", "trialing"]);
  expect(nest.stripe.requests.some(({ path }) => path.includes("payment_methods"))).toBe(false);
  expect(JSON.stringify(await record(id))).not.toContain(CARD.fingerprint);
});

test("with the policy flag, marks and logs a later trial with a used card once, and lets it continue", async () => {
  await start("flag");
  const first = trial("ada@example.com");
  nest.clock.advance(60);
  const second = trial("bob@example.com");
  for (let copy = 0; copy < 2; copy++) {
    for (const event of nest.stripe.events()) await nest.webhook(event);
  }
  nest.stripe.updateSubscription(second.id, { metadata: { seen: "again" } });
  await nest.deliverEvents();
  expect(statuses()).toEqual(["trialing", "trialing"]);
  expect(await record(first.id)).toMatchObject({ cardSeenBeforeAt: null });
  expect(await record(second.id)).toMatchObject({ cardSeenBeforeAt: expect.any(String) });
  expect(nest.logged("trial_card_seen_before")).toMatchObject([
    { level: "warn", subscription_id: second.id, policy: "flag" },
  ]);
});

test("with the policy end, cancels a later trial with a used card, without a charge or a welcome", async () => {
  await start("end");
  nest.stripe.createSubscription({ email: "ada@example.com", card: CARD });
  nest.clock.advance(60);
  const later = trial("bob@example.com");
  await nest.deliverEvents();
  await nest.deliverEvents();
  expect(statuses()).toEqual(["active", "canceled"]);
  expect(await record(later.id)).toMatchObject({ status: "canceled", cardSeenBeforeAt: expect.any(String) });
  expect(nest.ses.inbox.map(({ to }) => to)).toEqual(["ada@example.com"]);
  expect(nest.stripe.refunds()).toEqual([]);
});

test("checks a card that is added later at the trial's next event", async () => {
  await start("end");
  trial("ada@example.com");
  nest.clock.advance(60);
  const later = trial("bob@example.com", null);
  await nest.deliverEvents();
  expect(statuses()).toEqual(["trialing", "trialing"]);
  nest.stripe.attachCard(later.customer, CARD);
  nest.stripe.updateSubscription(later.id, { metadata: { card: "added" } });
  await nest.deliverEvents();
  expect(statuses()).toEqual(["trialing", "canceled"]);
});

test("accepts a user's own card again, and a paid subscription with another user's card", async () => {
  await start("end");
  const first = trial("ada@example.com");
  await nest.deliverEvents();
  nest.stripe.cancelSubscription(first.id);
  nest.clock.advance(60);
  trial("ada@example.com");
  nest.clock.advance(60);
  nest.stripe.createSubscription({ email: "bob@example.com", card: CARD });
  await nest.deliverEvents();
  expect(statuses()).toEqual(["canceled", "trialing", "active"]);
});

test("does not end a trial that became a paid subscription whose event has not arrived yet", async () => {
  await start("end");
  const early = nest.stripe.createSubscription({ email: "ada@example.com", trialDays: 30 });
  nest.clock.advance(60);
  const paying = trial("bob@example.com");
  await nest.deliverEvents();
  nest.clock.advance(15 * 86_400);
  nest.stripe.advance(0);
  nest.stripe.attachCard(early.customer, CARD);
  nest.stripe.updateSubscription(early.id, { metadata: { card: "added" } });
  const news = nest.stripe.events().findLast(({ type }) => type === "customer.subscription.updated");
  expect((await nest.webhook(news ?? {})).status).toBe(200);
  expect(statuses()).toEqual(["trialing", "active"]);
  expect(await record(paying.id)).toMatchObject({ cardSeenBeforeAt: null });
});

test("ends the later of two trials whose events arrive at the same time, in any order", async () => {
  await start("end");
  for (let round = 0; round < 10; round++) {
    const card = { fingerprint: `card-${round}` };
    const [one, other] = [`one${round}@example.com`, `other${round}@example.com`];
    const first = trial(one, card);
    nest.clock.advance(60);
    const second = trial(other, card);
    const events = nest.stripe.events().filter(({ type, data }) => {
      const { id } = data.object as { id: string };
      return type === "customer.subscription.created" && [first.id, second.id].includes(id);
    });
    const posted = round % 2 === 0 ? events : events.reverse();
    const answers = await Promise.all(posted.map((event) => nest.webhook(event)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const byId = Object.fromEntries(nest.stripe.subscriptions().map(({ id, status }) => [id, status]));
    expect([byId[first.id], byId[second.id]]).toEqual(["trialing", "canceled"]);
  }
});

test("processes the events of a deleted customer, who has no cards", async () => {
  await start("flag");
  const { id, customer } = trial("ada@example.com");
  await nest.deliverEvents();
  await fetch(`${nest.stripe.url}/v1/customers/${customer}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${nest.stripe.secretKey}` },
  });
  expect((await nest.deliverEvents()).every(([, status]) => status === 200)).toBe(true);
  expect(await record(id)).toMatchObject({ status: "canceled" });
});
