import { afterEach, beforeEach, expect, test } from "vitest";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { seededRandom, shuffled } from "#stripe_double/random.ts";
import type { DoubleEvent } from "#stripe_double/types.ts";
import { startWorker } from "#tests/callbacks/chaos/worker.ts";
import { crashSides } from "#tests/support/crash.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { pauseWebhook } from "#tests/support/paused_webhook.ts";
import { seedOf } from "#tests/support/seed.ts";

/** Longer than an event's lease and a mail's claim. */
const RETRY_SECONDS = 150;
/** More writes and requests than the webhook makes when it rejects another subscription. */
const CRASH_POINTS = 24;

const ADA = "ada@example.com";
let refundsSoFar = 0;
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const created = (id: string) => nest.eventOf("customer.subscription.created", id);
const updated = (id: string) =>
  nest.stripe
    .events()
    .findLast(
      ({ type, data }) =>
        type === "customer.subscription.updated" && (data.object as { id: string }).id === id,
    ) as DoubleEvent;
const atStripe = (id: string) => nest.stripe.subscriptions().find((one) => one.id === id);
const stored = (id: string) => nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
const statusOf = async (id: string) => nest.subscriptionStatus((await stored(id))?.userId);
/** Posts events concurrently and retries failed events, as Stripe does. Claims and leases expire in between. */
const deliverUntilAccepted = async (...events: DoubleEvent[]) => {
  let waiting = events;
  for (let tries = 0; tries < 10; tries++) {
    const answers = await Promise.all(waiting.map((event) => nest.webhook(event)));
    waiting = waiting.filter((_event, index) => answers[index]?.status !== 200);
    if (waiting.length === 0) return;
    nest.clock.advance(RETRY_SECONDS);
  }
  throw new Error("an event was never accepted");
};

test("keeps exactly one subscription when a past_due one recovers while it is replaced, with a crash at any write", async () => {
  for (let at = 1; at <= CRASH_POINTS; at++) {
    for (const when of crashSides(at)) {
      const email = `${when}${at}@example.com`;
      const late = nest.stripe.createSubscription({ email, status: "past_due" });
      await nest.deliverEvents();
      const bought = nest.stripe.createSubscription({ email });
      const { body, header } = nest.stripe.signedEvent(created(bought.id));
      const worker = startWorker(nest, { at, when });
      await worker.post(body, header);
      await worker.close();
      if (atStripe(late.id)?.status === "past_due") {
        nest.stripe.attachCard(late.customer);
        nest.stripe.pay(late.id);
      }
      nest.clock.advance(RETRY_SECONDS);
      await deliverUntilAccepted(updated(late.id));
      await deliverUntilAccepted(created(bought.id));
      await nest.deliverEvents();
      const ends = [late, bought].map(({ id }) => atStripe(id)?.status).sort();
      expect(ends, `${at} ${when}`).toEqual(["active", "canceled"]);
      expect(await statusOf(bought.id)).toBe("active");
      const rejected = await Promise.all(
        [late, bought].map(async ({ id }) => (await stored(id))?.rejectedAt),
      );
      expect(rejected.filter((moment) => moment !== null)).toHaveLength(1);
    }
  }
}, 480_000);

/** Best first. */
const STATUSES = ["active", "past_due", "trialing", "incomplete"] as const;

test("keeps the best of several subscriptions and refunds the duplicates when their events arrive at once in any order", async () => {
  const firstSeed = seedOf("one_subscription");
  for (let round = 0; round < 15; round++) {
    const seed = firstSeed + round;
    const random = seededRandom(seed);
    const email = `several${round}@example.com`;
    const made = Array.from({ length: 2 + Math.floor(random() * 3) }, () => {
      nest.clock.advance(5);
      const status = STATUSES[Math.floor(random() * STATUSES.length)] ?? "active";
      return { ...nest.stripe.createSubscription({ email, status }), status };
    });
    const [best] = made.toSorted(
      (one, other) => STATUSES.indexOf(one.status) - STATUSES.indexOf(other.status),
    );
    await deliverUntilAccepted(...shuffled(made, random).map(({ id }) => created(id)));
    for (let copy = 0; copy < 2; copy++) await nest.deliverEvents();
    const isLeft = ({ id, status }: (typeof made)[number]) =>
      id === best?.id || (status === "incomplete" && best?.status !== "active");
    expect(
      made.map(({ id }) => atStripe(id)?.status),
      `seed ${seed}`,
    ).toEqual(made.map((one) => (isLeft(one) ? one.status : "canceled")));
    expect(await statusOf(best?.id ?? ""), `seed ${seed}`).toEqual(best?.status);
    const user = await nest.collection("users").findOne({ keptSubscriptionId: best?.id ?? "" });
    expect(user?.replacedSubscriptionIds ?? []).toEqual([]);
    const records = await Promise.all(
      made.map(async ({ id }) => (await stored(id)) as unknown as Subscription),
    );
    const recordOf = (id: string | null | undefined) =>
      records.find(({ stpSubscriptionId }) => stpSubscriptionId === id);
    const losers = made
      .filter((one) => !isLeft(one))
      .map((one) => ({
        ...one,
        record: recordOf(one.id),
        kept: recordOf(recordOf(one.id)?.rejection?.keptId),
      }));
    // What a loser gets back depends on the subscription that was kept when it was rejected, which a later event may have
    // replaced: a past due one can be the duplicate of an older one. Beside the best, each other of its status is a duplicate.
    const isDuplicate = ({ record }: (typeof losers)[number]) => record?.rejection?.kind === "duplicate";
    for (const loser of losers) {
      const createdAt = (record: Subscription | undefined) => record?.stpCreatedAt ?? "none";
      const isNewer = createdAt(loser.kept) < createdAt(loser.record);
      expect({ seed, isDuplicate: isDuplicate(loser) }).toEqual({ seed, isDuplicate: isNewer });
      if (loser.status === best?.status)
        expect({ seed, isDuplicate: isNewer }).toEqual({ seed, isDuplicate: true });
    }
    const paid = losers.filter((one) => isDuplicate(one) && ["active", "past_due"].includes(one.status));
    const refunds = nest.stripe.refunds().slice(refundsSoFar);
    expect(refunds.map(({ customer }) => customer).sort(), `seed ${seed}`).toEqual(
      paid.map(({ customer }) => customer).sort(),
    );
    refundsSoFar += refunds.length;
  }
}, 120_000);

test("refunds a past due subscription that duplicated an older one, although an active one replaces both later", async () => {
  const made = (["past_due", "past_due", "active"] as const).map((status) => {
    nest.clock.advance(5);
    return nest.stripe.createSubscription({ email: ADA, status });
  });
  for (const { id } of made) await deliverUntilAccepted(created(id));
  await nest.deliverEvents();
  expect(made.map(({ id }) => atStripe(id)?.status)).toEqual(["canceled", "canceled", "active"]);
  expect(nest.stripe.refunds().map(({ customer }) => customer)).toEqual([made[1]?.customer]);
});

test.each(["the trial's first", "the purchase's first"])(
  "leaves an incomplete purchase in addition to a trial, and replaces the trial once the purchase is paid (%s)",
  async (order) => {
    const trial = nest.stripe.createSubscription({ email: ADA, trialDays: 14 });
    const bought = nest.stripe.createSubscription({ email: ADA, status: "incomplete" });
    const events = [created(trial.id), created(bought.id)];
    for (const event of order.startsWith("the trial") ? events : events.reverse())
      await deliverUntilAccepted(event);
    expect([atStripe(trial.id)?.status, atStripe(bought.id)?.status]).toEqual(["trialing", "incomplete"]);
    expect(await statusOf(trial.id)).toBe("trialing");
    nest.stripe.attachCard(bought.customer);
    expect(nest.stripe.pay(bought.id)).toBe("paid");
    await nest.deliverEvents();
    expect([atStripe(trial.id)?.status, atStripe(bought.id)?.status]).toEqual(["canceled", "active"]);
    expect(await statusOf(bought.id)).toBe("active");
    expect(nest.stripe.refunds()).toEqual([]);
    expect(nest.mailSubjects()).toEqual(["Your Beak Trial has begun!", "Welcome to Beak!"]);
  },
);

test("keeps the paid subscription when a user pays at the second attempt", async () => {
  const first = nest.stripe.createSubscription({ email: ADA, status: "incomplete" });
  await nest.deliverEvents();
  nest.clock.advance(60);
  const second = nest.stripe.createSubscription({ email: ADA, status: "incomplete" });
  await nest.deliverEvents();
  expect(atStripe(second.id)?.status).toBe("incomplete");
  nest.stripe.attachCard(second.customer);
  expect(nest.stripe.pay(second.id)).toBe("paid");
  await nest.deliverEvents();
  expect([atStripe(first.id)?.status, atStripe(second.id)?.status]).toEqual(["canceled", "active"]);
  expect(await statusOf(second.id)).toBe("active");
});

test("cancels an incomplete subscription of a user with an active subscription", async () => {
  const paid = nest.stripe.createSubscription({ email: ADA });
  const waiting = nest.stripe.createSubscription({ email: ADA, status: "incomplete" });
  await nest.deliverEvents();
  expect([atStripe(paid.id)?.status, atStripe(waiting.id)?.status]).toEqual(["active", "canceled"]);
});

test("does not replace an unpaid subscription by an incomplete one", async () => {
  const unpaid = nest.stripe.createSubscription({ email: ADA, status: "unpaid" });
  await nest.deliverEvents();
  const waiting = nest.stripe.createSubscription({ email: ADA, status: "incomplete" });
  await nest.deliverEvents();
  expect([atStripe(unpaid.id)?.status, atStripe(waiting.id)?.status]).toEqual(["unpaid", "incomplete"]);
  expect(nest.stripe.refunds()).toEqual([]);
});

test("does not reject a subscription in an unknown status", async () => {
  const strange = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  nest.stripe.updateSubscription(strange.id, { fields: { status: "snoozing" } });
  const bought = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect([atStripe(strange.id)?.status, atStripe(bought.id)?.status]).toEqual(["snoozing", "active"]);
  expect(nest.stripe.refunds()).toEqual([]);
  expect(await statusOf(bought.id)).toBe("active");
});

test("updates the kept subscription when its owner buys again after a missed renewal event", async () => {
  const kept = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  nest.clock.advance(40 * 86_400);
  nest.stripe.advance(0);
  expect(await statusOf(kept.id)).toBe("no_active_subscription");
  const bought = nest.stripe.createSubscription({ email: ADA });
  await deliverUntilAccepted(created(bought.id));
  expect([atStripe(kept.id)?.status, atStripe(bought.id)?.status]).toEqual(["active", "canceled"]);
  expect(await statusOf(kept.id)).toBe("active");
});

test("rejects nothing in favor of a subscription that is not stored yet", async () => {
  const kept = nest.stripe.createSubscription({ email: ADA });
  await deliverUntilAccepted(created(kept.id));
  await nest.collection("subscriptions").deleteOne({ stpSubscriptionId: kept.id });
  await nest.collection("stripe-events").deleteMany({});
  nest.clock.advance(5);
  const bought = nest.stripe.createSubscription({ email: ADA });
  const early = await nest.webhook(created(bought.id));
  expect({ status: early.status, code: early.body.code }).toEqual({
    status: 409,
    code: "subscription_not_ready",
  });
  expect(await statusOf(bought.id)).toBe("active");
  await deliverUntilAccepted(created(kept.id));
  await deliverUntilAccepted(created(bought.id));
  expect([atStripe(kept.id)?.status, atStripe(bought.id)?.status]).toEqual(["active", "canceled"]);
  expect(await statusOf(kept.id)).toBe("active");
});

test("keeps one of two subscriptions when both events read the user before either decides", async () => {
  const first = nest.stripe.createSubscription({ email: ADA });
  nest.clock.advance(5);
  const second = nest.stripe.createSubscription({ email: ADA });
  const paused = pauseWebhook(nest.environment, nest, 1, "UserRepository.find");
  const answer = paused.post(created(second.id));
  await paused.reached;
  expect((await nest.webhook(created(first.id))).status).toBe(200);
  paused.resume();
  expect((await answer).statusCode).toBe(200);
  await nest.deliverEvents();
  expect([atStripe(first.id)?.status, atStripe(second.id)?.status]).toEqual(["active", "canceled"]);
  expect(await statusOf(first.id)).toBe("active");
  await paused.close();
});

test("does not reject a subscription that was kept while its rejection was decided", async () => {
  const first = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  nest.clock.advance(5);
  const second = nest.stripe.createSubscription({ email: ADA });
  // The second request to Stripe reads the first subscription, which has not ended yet.
  const paused = pauseWebhook(nest.environment, nest, 2);
  const answer = paused.post(created(second.id));
  await paused.reached;
  nest.stripe.cancelSubscription(first.id);
  nest.stripe.updateSubscription(second.id, { metadata: { n: "1" } });
  for (const event of nest.stripe.events().filter(({ id }) => id !== created(second.id).id))
    await nest.webhook(event);
  paused.resume();
  expect((await answer).statusCode).toBe(200);
  await nest.deliverEvents();
  expect([atStripe(first.id)?.status, atStripe(second.id)?.status]).toEqual(["canceled", "active"]);
  expect(await statusOf(second.id)).toBe("active");
  expect(nest.stripe.refunds()).toEqual([]);
  await paused.close();
});

test("rejects the unpaid incomplete subscription when another subscription is paid", async () => {
  const first = nest.stripe.createSubscription({ email: ADA, status: "incomplete" });
  nest.clock.advance(5);
  const second = nest.stripe.createSubscription({ email: ADA, status: "incomplete" });
  await nest.deliverEvents();
  nest.stripe.attachCard(first.customer);
  expect(nest.stripe.pay(first.id)).toBe("paid");
  expect((await nest.webhook(updated(first.id))).status).toBe(200);
  expect(await statusOf(first.id)).toBe("active");
  expect(["canceled", "incomplete_expired"]).toContain(atStripe(second.id)?.status);
});

test("treats a cancellation as done when Stripe executed it but returned an error", async () => {
  const first = nest.stripe.createSubscription({ email: ADA });
  nest.clock.advance(5);
  const second = nest.stripe.createSubscription({ email: ADA });
  expect((await nest.webhook(created(first.id))).status).toBe(200);
  nest.stripe.fault({ calls: 1, kind: "error_after", on: "DELETE" });
  expect((await nest.webhook(created(second.id))).status).toBe(200);
  expect(atStripe(second.id)?.status).toBe("canceled");
  expect(await stored(second.id)).toMatchObject({ refundedAt: expect.any(String) });
});

test("grants nothing for a rejected subscription that could not be canceled yet", async () => {
  const first = nest.stripe.createSubscription({ email: ADA });
  nest.clock.advance(5);
  const second = nest.stripe.createSubscription({ email: ADA });
  nest.stripe.fault({ calls: 100, kind: "error", on: "DELETE" });
  await nest.deliverEvents();
  expect(await statusOf(first.id)).toBe("active");
  nest.stripe.cancelSubscription(first.id);
  await nest.deliverEvents();
  expect(atStripe(second.id)?.status).toBe("active");
  expect(await statusOf(first.id)).toBe("no_active_subscription");
});

test("refunds nothing of a past due subscription that ended by itself before it was rejected", async () => {
  const first = nest.stripe.createSubscription({ email: ADA, status: "past_due" });
  await nest.deliverEvents();
  const second = nest.stripe.createSubscription({ email: ADA });
  // The state after a crash right after the decision.
  const decided = { rejectedSubscriptionIds: [first.id], replacedSubscriptionIds: [first.id] };
  await nest
    .collection("users")
    .updateOne({ keptSubscriptionId: first.id }, { $set: { keptSubscriptionId: second.id, ...decided } });
  nest.stripe.cancelSubscription(first.id);
  await nest.deliverEvents();
  expect(nest.stripe.refunds()).toEqual([]);
  expect(await stored(first.id)).toMatchObject({
    ...{ status: "canceled", rejectedAt: expect.any(String), refundedAt: expect.any(String) },
    rejection: { kind: "replaced" },
  });
  const user = await nest.collection("users").findOne({ keptSubscriptionId: second.id });
  expect(user).toMatchObject({ replacedSubscriptionIds: [] });
});
