import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import type { User } from "#core/repositories/users.ts";
import { startWorker } from "#tests/callbacks/chaos/worker.ts";
import { crashSides } from "#tests/support/crash.ts";
import { PRODUCT_ID, startNest, type TestNest } from "#tests/support/nest.ts";
import { pauseWebhook } from "#tests/support/paused_webhook.ts";

// A subscription ends, or the kept one does, between the decision about it and its rejection.

const ADA = "ada@example.com";
const PRICE = 499;
/** Longer than an event's lease and a mail's claim. */
const RETRY_SECONDS = 150;
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const created = (id: string) => nest.eventOf("customer.subscription.created", id);
const stored = (id: string) => nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
const atStripe = (id: string) => nest.stripe.subscriptions().find((one) => one.id === id)?.status;
const refundsOf = (customer: string) =>
  nest.stripe.refunds().flatMap((refund) => (refund.customer === customer ? [refund.amount] : []));
const alarmsFor = (id: string) =>
  nest.logged("paid_duplicate_ended").filter(({ subscription_id }) => subscription_id === id);
const buy = (email: string) => {
  nest.clock.advance(60);
  return nest.stripe.createSubscription({ email });
};
/** Delivers every event again and again, as Stripe's retries do, several at once. */
const deliverAll = async (email: string) => {
  const customers = nest.stripe.subscriptions().flatMap(({ id }) => id);
  for (let tries = 0; tries < 3; tries++) {
    nest.clock.advance(RETRY_SECONDS);
    const events = nest.stripe.events().filter(({ data }) => {
      const { id, object } = data.object as { id: string; object: string };
      return object === "subscription" && customers.includes(id) && emailOf(id) === email;
    });
    await Promise.all(events.map((event) => nest.webhook(event)));
  }
};
const emails = new Map<string, string>();
const emailOf = (id: string) => emails.get(id);
/** Two subscriptions of one address. The first is kept; no event of the second was delivered. */
async function buyTwice(email: string) {
  const first = buy(email);
  expect((await nest.webhook(created(first.id))).status).toBe(200);
  const second = buy(email);
  for (const { id } of [first, second]) emails.set(id, email);
  return { first, second };
}
/** Delivers an event to a worker that dies right after it stored the decision. */
async function decideAndDie(event: object): Promise<void> {
  const worker = pauseWebhook(nest.environment, nest, 1, "UserRepository.rejectSubscription");
  void worker.post(event);
  await worker.reached;
  await worker.close();
}
/** Runs a worker that crashes at each write and request of an event. */
async function crashEverywhere(run: (crash: (event: object) => Promise<boolean>, email: string) => unknown) {
  let hasCrashed = true;
  let rounds = 0;
  for (let at = 1; hasCrashed; at++) {
    hasCrashed = false;
    for (const when of crashSides(at)) {
      const crash = async (event: object) => {
        const { body, header } = nest.stripe.signedEvent(
          event as Parameters<TestNest["stripe"]["signedEvent"]>[0],
        );
        const worker = startWorker(nest, { at, when });
        const isDead = (await worker.post(body, header)) === null;
        await worker.close();
        if (isDead) hasCrashed = true;
        return isDead;
      };
      await run(crash, `${when}${at}@example.com`);
      rounds++;
    }
  }
  expect(rounds).toBeGreaterThan(10);
}

describe("a duplicate that its buyer cancels before it is rejected", () => {
  test.each(["this", "an earlier"])(
    "is refunded when %s release had stored the decision",
    async (release) => {
      const { first, second } = await buyTwice(ADA);
      await decideAndDie(created(second.id));
      expect(await stored(second.id)).toMatchObject({ rejectedAt: null });
      if (release !== "this")
        await nest.collection("users").updateMany({}, { $unset: { pendingRejections: "" } });
      nest.stripe.cancelSubscription(second.id);
      await deliverAll(ADA);
      expect(refundsOf(second.customer)).toEqual([PRICE]);
      expect(await stored(second.id)).toMatchObject({ rejection: { kind: "duplicate", keptId: first.id } });
      expect(nest.logged("paid_duplicate_ended")).toEqual([]);
    },
  );

  test("raises an alarm when its first event arrives after its end", async () => {
    const { first, second } = await buyTwice(ADA);
    nest.stripe.cancelSubscription(second.id);
    await deliverAll(ADA);
    expect(alarmsFor(second.id)[0]).toMatchObject({ alarm: true, kept_id: first.id });
    expect(refundsOf(second.customer)).toEqual([]);
  });

  test("raises no alarm when an operator has refunded it, or nothing was paid", async () => {
    const { second } = await buyTwice(ADA);
    const intents = nest.stripe.events().filter(({ type }) => type === "payment_intent.succeeded");
    const paid = intents.map(({ data }) => data.object as { id: string; customer: string });
    const payment = paid.find(({ customer }) => customer === second.customer);
    nest.stripe.refund({ payment_intent: payment?.id });
    nest.stripe.cancelSubscription(second.id);
    nest.clock.advance(60);
    const unpaid = nest.stripe.createSubscription({ email: ADA, status: "incomplete" });
    nest.stripe.cancelSubscription(unpaid.id);
    await deliverAll(ADA);
    expect(nest.logged("paid_duplicate_ended")).toEqual([]);
  });

  test("is refunded or raises an alarm when a worker crashes at any write or request", async () => {
    await crashEverywhere(async (crash, email) => {
      const { first, second } = await buyTwice(email);
      await crash(created(second.id));
      if (atStripe(second.id) === "active") nest.stripe.cancelSubscription(second.id);
      await deliverAll(email);
      expect([atStripe(first.id), atStripe(second.id)], email).toEqual(["active", "canceled"]);
      const refunds = refundsOf(second.customer);
      expect(refunds.length > 0 || alarmsFor(second.id).length > 0, email).toBe(true);
      if ((await stored(second.id))?.rejectedAt) expect(refunds, email).toEqual([PRICE]);
      const user = await nest.collection("users").findOne({ keptSubscriptionId: first.id });
      expect(user?.replacedSubscriptionIds ?? [], email).toEqual([]);
      expect(user?.pendingRejections ?? {}, email).toEqual({});
    });
  }, 240_000);
});

describe("a loser whose kept subscription ends before the loser is rejected", () => {
  test.each(["this", "an earlier"])("is kept when %s release had stored the decision", async (release) => {
    const { first, second } = await buyTwice(ADA);
    await decideAndDie(created(second.id));
    if (release !== "this")
      await nest.collection("users").updateMany({}, { $unset: { pendingRejections: "" } });
    nest.stripe.cancelSubscription(first.id);
    await deliverAll(ADA);
    expect([atStripe(first.id), atStripe(second.id)]).toEqual(["canceled", "active"]);
    expect(refundsOf(second.customer)).toEqual([]);
    const userId = (await stored(second.id))?.userId;
    expect(await nest.subscriptionStatus(userId)).toBe("active");
    expect(await nest.collection("users").findOne({ _id: userId as never })).toMatchObject({
      ...{ keptSubscriptionId: second.id, rejectedSubscriptionIds: [], replacedSubscriptionIds: [] },
    });
  });

  test("is kept unless its rejection had begun, when a worker crashes at any write or request", async () => {
    await crashEverywhere(async (crash, email) => {
      const { first, second } = await buyTwice(email);
      await crash(created(second.id));
      const user = await nest.collection("users").findOne({ keptSubscriptionId: first.id });
      const hasBegun =
        (user as User | null)?.pendingRejections?.[second.id]?.appliedAt !== undefined ||
        Boolean((await stored(second.id))?.rejectedAt);
      nest.stripe.cancelSubscription(first.id);
      nest.stripe.updateSubscription(second.id, { metadata: { n: "1" } });
      await deliverAll(email);
      expect(atStripe(second.id), email).toBe(hasBegun ? "canceled" : "active");
      expect(refundsOf(second.customer), email).toEqual(hasBegun ? [PRICE] : []);
      const status = await nest.subscriptionStatus((await stored(second.id))?.userId);
      expect(status, email).toBe(hasBegun ? "no_active_subscription" : "active");
    });
  }, 240_000);
});

describe("facts that change after a worker stored the decision and died", () => {
  const ask = async (path: string, form: Record<string, string>) => {
    const reply = await fetch(`${nest.stripe.url}/v1/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${nest.stripe.secretKey}` },
      body: new URLSearchParams(form),
    });
    expect(reply.status).toBe(200);
    return (await reply.json()) as { id: string };
  };
  const replaceAndDie = async (event: object) => {
    const worker = pauseWebhook(nest.environment, nest, 1, "UserRepository.replaceSubscription");
    void worker.post(event);
    await worker.reached;
    await worker.close();
  };

  test("refunds the unused share of a past due subscription that its buyer pays and then cancels", async () => {
    const late = buy(ADA);
    await nest.deliverEvents();
    nest.stripe.attachCard(late.customer, { declines: true });
    await nest.passTime(31.2 * DAY);
    nest.clock.advance(60);
    const second = nest.stripe.createSubscription({ email: ADA });
    await replaceAndDie(created(second.id));
    nest.clock.advance(10);
    nest.stripe.attachCard(late.customer, {});
    nest.stripe.pay(late.id);
    nest.clock.advance(10);
    nest.stripe.cancelSubscription(late.id);
    nest.clock.advance(RETRY_SECONDS);
    await nest.deliverEvents();
    expect(await stored(late.id)).toMatchObject({ rejection: { kind: "replaced", status: "past_due" } });
    const [amount = 0, ...more] = refundsOf(late.customer);
    expect(more).toEqual([]);
    expect(amount).toBeGreaterThan(PRICE * 0.9);
    expect(amount).toBeLessThan(PRICE);
  });

  test("keeps a loser that was changed to a product that is not ours", async () => {
    const { id: product } = await ask("products", { name: "Another app" });
    const money = { currency: "gbp", unit_amount: "500" };
    const other = await ask("prices", { product, ...money, "recurring[interval]": "month" });
    const ours = PRODUCT_ID;
    const yearly = await ask("prices", { product: ours, ...money, "recurring[interval]": "year" });
    const first = buy(ADA);
    await nest.deliverEvents();
    nest.clock.advance(60);
    const second = await ask("subscriptions", { customer: first.customer, "items[0][price]": yearly.id });
    await replaceAndDie(created(second.id));
    const item = nest.stripe.subscriptions().find(({ id }) => id === first.id)?.items.data[0]?.id ?? "";
    await ask(`subscriptions/${first.id}`, { "items[0][id]": item, "items[0][price]": other.id });
    nest.clock.advance(RETRY_SECONDS);
    await nest.deliverEvents();
    expect([atStripe(first.id), atStripe(second.id)]).toEqual(["active", "active"]);
    expect(refundsOf(first.customer)).toEqual([]);
    const user = await nest.collection("users").findOne({ keptSubscriptionId: second.id });
    expect(user).toMatchObject({ rejectedSubscriptionIds: [], replacedSubscriptionIds: [] });
  });
});
