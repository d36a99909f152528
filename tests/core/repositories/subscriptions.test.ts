import { afterAll, beforeAll, expect, test } from "vitest";
import { newSubscription } from "#core/billing/subscriptions/subscription_record.ts";
import { subscriptionUpdated } from "#core/events/billing_events.ts";
import { createIndexes } from "#core/repositories/index_setup.ts";
import {
  type MoneyReturn,
  type Rejection,
  type Subscription,
  SubscriptionRepository,
  type SubscriptionState,
} from "#core/repositories/subscriptions.ts";
import { atOnce, CALLERS, moment, rounds, UNIQUE_ROUNDS } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let subscriptions: SubscriptionRepository;
beforeAll(async () => {
  opened = await openFreshDatabase();
  await createIndexes(opened.database);
  subscriptions = new SubscriptionRepository(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

const state = (status = "active"): SubscriptionState => ({
  stpProductId: "prod_beak",
  stpCustomerId: "cus_1",
  isOtherProduct: false,
  status,
  startsAt: moment(0),
  endsAt: moment(1000),
  cancelAt: null,
  cancelType: null,
  cancelledAt: null,
});
const subscription = (id: string, now = moment(0)): Subscription =>
  newSubscription({ id, created: 0, metadata: {} }, state(), "user", now);
const REJECTION: Rejection = {
  kind: "duplicate",
  keptId: "sub_kept",
  isSameCustomer: false,
  status: "active",
  wasRenewing: true,
  isOwnCustomer: false,
  prices: "price_month",
  periodStartsAt: moment(0),
  periodEndsAt: moment(1000),
};
const find = async (id: string) => (await subscriptions.findByStripeId(id)) as Subscription;

test("stores a subscription once when many calls race", async () => {
  await rounds(async (round) => {
    const isNew = await atOnce((caller) =>
      subscriptions.insert(subscription(`new-${round}`, moment(caller))),
    );
    expect(isNew.filter(Boolean)).toHaveLength(1);
    expect(await find(`new-${round}`)).toMatchObject({ createdAt: moment(isNew.indexOf(true)) });
  }, UNIQUE_ROUNDS);
});

test("writes Stripe's state once for each version when many calls race, and makes the others read again", async () => {
  await rounds(async (round) => {
    const id = `advanced-${round}`;
    await subscriptions.insert(subscription(id));
    const write = (version: number) =>
      atOnce((caller) => {
        const status = `status-${caller}`;
        const updated = subscriptionUpdated(subscription(id), status, "active", moment(caller));
        const seen = { stpSubscriptionId: id, version };
        return subscriptions.advance(seen, state(status), moment(caller), [updated]);
      });
    for (const version of [1, 2]) {
      const written = (await write(version)).filter((document) => document !== null);
      expect(written).toHaveLength(1);
      expect(await find(id)).toEqual(written[0]);
      expect(written[0]?.version).toBe(version + 1);
      // The first event is of the insert.
      expect(written[0]?.events?.slice(version)).toMatchObject([{ data: { status: written[0]?.status } }]);
    }
    expect((await write(1)).every((document) => document === null)).toBe(true);
  });
});

test("moves the end of a running trial once when many calls race, and makes an older reading be read again", async () => {
  await rounds(async (round) => {
    const id = `extended-${round}`;
    await subscriptions.insert({ ...subscription(id), status: "trialing" });
    const seen = await find(id);
    const { version } = seen;
    await atOnce((caller) => subscriptions.extendTrial(seen, moment(2000), moment(caller)));
    expect(await find(id)).toMatchObject({ endsAt: moment(2000), version: version + 1 });
    expect(await subscriptions.advance(seen, state("trialing"), moment(50), [])).toBeNull();
    await subscriptions.extendTrial(await find(id), moment(1500), moment(60));
    expect(await find(id)).toMatchObject({ endsAt: moment(2000), version: version + 1 });
  });
});

test.each<[string, Partial<Subscription>]>([
  ["active", { status: "active" }],
  ["rejected", { status: "trialing", rejectedAt: moment(1) }],
  ["scheduled to end", { status: "trialing", cancelType: "period_end" }],
])("does not move the end of a subscription that is %s", async (what, change) => {
  const id = `not-extended-${what}`;
  await subscriptions.insert({ ...subscription(id), ...change });
  await subscriptions.extendTrial(await find(id), moment(2000), moment(2));
  expect(await find(id)).toMatchObject({ endsAt: moment(1000), version: 1 });
});

test("rejects a subscription once when many calls race, and keeps the first time and the first reason", async () => {
  await rounds(async (round) => {
    const id = `rejected-${round}`;
    await subscriptions.insert(subscription(id));
    const seen = await atOnce((caller) =>
      subscriptions.reject(id, REJECTION, caller % 2 === 0, moment(caller)),
    );
    const { rejectedAt, isRejectedSilently } = await find(id);
    expect(
      new Set(seen.map((document) => `${document?.rejectedAt} ${document?.isRejectedSilently}`)),
    ).toEqual(new Set([`${rejectedAt} ${isRejectedSilently}`]));
  });
});

const planned = (source: string, amount: number): MoneyReturn => ({
  ...{ to: "payment_method", source, amount, currency: "gbp", reason: "duplicate", status: "planned" },
  ...{ plannedAt: moment(0), id: null, returnedAt: null, attempts: 0, failure: null },
});

test("stores one plan of returns when many calls race", async () => {
  await rounds(async (round) => {
    const id = `planned-${round}`;
    await subscriptions.insert(subscription(id));
    const seen = await atOnce((caller) =>
      subscriptions.planReturns(id, { [`pi_${caller}`]: planned(`pi_${caller}`, caller + 1) }),
    );
    const { returns } = await find(id);
    expect(Object.keys(returns ?? {})).toHaveLength(1);
    for (const one of seen) expect(one).toEqual(returns);
  });
});

test("adds the return of a late payment once when many calls race", async () => {
  await rounds(async (round) => {
    const id = `late-${round}`;
    await subscriptions.insert(subscription(id));
    await subscriptions.planReturns(id, { pi_1: planned("pi_1", 499) });
    await subscriptions.recordReturn(id, "pi_1", 0, { status: "done", id: "re_1" });
    await atOnce((caller) => subscriptions.addReturn(id, planned(caller % 2 ? "pi_1" : "pi_2", caller + 1)));
    const { returns } = await find(id);
    expect(Object.keys(returns ?? {}).sort()).toEqual(["pi_1", "pi_2"]);
    expect(returns?.pi_1).toMatchObject({ amount: 499, status: "done", id: "re_1" });
  });
});

test("raises the attempts of a return once when many calls of one attempt race", async () => {
  await rounds(async (round) => {
    const id = `refused-${round}`;
    await subscriptions.insert(subscription(id));
    await subscriptions.planReturns(id, { pi_1: planned("pi_1", 499), pi_2: planned("pi_2", 499) });
    await atOnce((caller) =>
      subscriptions.recordReturn(id, "pi_1", 0, { attempts: 1, failure: `code-${caller}` }),
    );
    const { returns } = await find(id);
    expect(returns?.pi_1).toMatchObject({
      attempts: 1,
      failure: expect.stringMatching(/^code-/),
      amount: 499,
    });
    await subscriptions.recordReturn(id, "pi_1", 0, { attempts: 1, failure: "late" });
    expect((await find(id)).returns).toEqual(returns);
  });
});

test("reports the first record of a known card to one of many racing calls", async () => {
  await rounds(async (round) => {
    const id = `card-${round}`;
    await subscriptions.insert(subscription(id));
    const isFirst = await atOnce((caller) => subscriptions.recordCardSeenBefore(id, moment(caller)));
    expect(isFirst.filter(Boolean)).toHaveLength(1);
    expect(await find(id)).toMatchObject({ cardSeenBeforeAt: moment(isFirst.indexOf(true)) });
  });
});

test("remembers each card once when many calls race", async () => {
  await rounds(async (round) => {
    const id = `cards-${round}`;
    await subscriptions.insert(subscription(id));
    await atOnce((caller) => subscriptions.rememberCards(id, [`card-${caller % 4}`, "card-0"]));
    const cards = [...(await find(id)).cardFingerprints].sort();
    expect(cards).toEqual(["card-0", "card-1", "card-2", "card-3"]);
  });
});

test("lets one of many racing calls claim a mail, and one take over an expired claim", async () => {
  const claim = (id: string, now: number, lapsedBefore: number) =>
    atOnce((caller) => subscriptions.claimMail(id, "welcome", moment(now + caller), moment(lapsedBefore)));
  await rounds(async (round) => {
    const id = `mail-${round}`;
    await subscriptions.insert(subscription(id));
    const first = await claim(id, 0, -1);
    expect(first.filter(Boolean)).toHaveLength(1);
    const second = await claim(id, 200, 100);
    expect(second.filter(Boolean)).toHaveLength(1);
    expect((await find(id)).mails.welcome).toEqual({
      claimedAt: moment(200 + second.indexOf(true)),
      sentAt: null,
    });
    await subscriptions.recordMail(id, "welcome", moment(300));
    expect((await claim(id, 900, 900)).some(Boolean)).toBe(false);
  });
});

test("does not let the welcome mail be claimed after a rejection that ran at the same time", async () => {
  await rounds(async (round) => {
    const id = `unwelcome-${round}`;
    await subscriptions.insert(subscription(id));
    const claimed = await atOnce((caller) =>
      caller === 2 * round
        ? subscriptions.reject(id, REJECTION, false, moment(1)).then(() => false)
        : subscriptions.claimMail(id, "welcome", moment(caller), moment(-1)),
    );
    expect(claimed.filter(Boolean).length).toBeLessThanOrEqual(1);
    const later = await atOnce(() => subscriptions.claimMail(id, "welcome", moment(500), moment(400)), 3);
    expect(later).toEqual([false, false, false]);
  });
});

test("releases the claim of a mail unless the mail was sent", async () => {
  await rounds(async (round) => {
    const id = `released-${round}`;
    await subscriptions.insert(subscription(id));
    await subscriptions.claimMail(id, "duplicate", moment(0), moment(-1));
    await subscriptions.recordMail(id, "duplicate", moment(1));
    await atOnce(() => subscriptions.releaseMail(id, "duplicate"), CALLERS / 4);
    expect((await find(id)).mails.duplicate).toEqual({ claimedAt: moment(0), sentAt: moment(1) });
    await subscriptions.claimMail(id, "trialWillEnd", moment(0), moment(-1));
    await atOnce(() => subscriptions.releaseMail(id, "trialWillEnd"), CALLERS / 4);
    expect((await find(id)).mails.trialWillEnd).toBeUndefined();
  });
});

test("moves a subscription to one user when many calls race", async () => {
  await rounds(async (round) => {
    const id = `assigned-${round}`;
    await subscriptions.insert(subscription(id));
    await atOnce((caller) => subscriptions.assign(id, "user", `user-${caller}`));
    const { userId } = await find(id);
    expect(userId).not.toBe("user");
    await atOnce((caller) => subscriptions.assign(id, "user", `late-${caller}`));
    expect(await find(id)).toMatchObject({ userId });
  });
});

test("lists the subscriptions of a user in the order of their creation at Stripe, whatever the order of their storage", async () => {
  for (const [id, created] of [
    ["sub_b", 2],
    ["sub_c", 1],
    ["sub_a", 2],
  ] as const)
    await subscriptions.insert(newSubscription({ id, created, metadata: {} }, state(), "buyer", moment(0)));
  const listed = await subscriptions.listByUser("buyer");
  expect(listed.map(({ stpSubscriptionId }) => stpSubscriptionId)).toEqual(["sub_c", "sub_a", "sub_b"]);
});
