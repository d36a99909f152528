import { afterEach, beforeEach, expect, test } from "vitest";
import type { DoubleEvent } from "#stripe_double/types.ts";
import { startWorker } from "#tests/callbacks/chaos/worker.ts";
import { runCli } from "#tests/support/cli.ts";
import { crashSides } from "#tests/support/crash.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { IMPORTED, type Stored } from "#tools/operator/import_2022/documents.ts";

// Stored subscriptions about which nothing is decided yet, because Stripe has sent no event about them.

/** Longer than an event's lease and a mail's claim. */
const RETRY_SECONDS = 150;
/** The webhook makes more writes and requests than this when it rejects two subscriptions. */
const CRASH_POINTS_AT_LEAST = 15;

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

interface Made {
  id: string;
  customer: string;
  createdAt: string;
}
const created = (id: string) => nest.eventOf("customer.subscription.created", id);
const deleted = (id: string) => nest.eventOf("customer.subscription.deleted", id);
const atStripe = (id: string) => nest.stripe.subscriptions().find((one) => one.id === id)?.status;
const statusesOf = (...made: Made[]) => made.map(({ id }) => atStripe(id));
const stored = (id: string) => nest.collection("subscriptions").findOne({ stpSubscriptionId: id });

function createAtStripe(email: string): Made {
  nest.clock.advance(10);
  return { ...nest.stripe.createSubscription({ email }), createdAt: nest.clock.now().toISOString() };
}

/** A subscription as the service of 2022 stored it. */
function documentOf2022(userId: string, { id, customer, createdAt }: Made) {
  return {
    _id: `sub_of_${id}`,
    userId,
    stpProductId: "prod_beak",
    stpSubscriptionId: id,
    stpCustomerId: customer,
    status: "active",
    startsAt: createdAt,
    endsAt: "2999-01-01T00:00:00.000Z",
    createdAt,
    updatedAt: null,
  };
}

/** Stores subscriptions as an earlier release imported them, and migrates them. */
async function migrateFrom2022(userId: string, ...made: Made[]): Promise<void> {
  await nest.collection("subscriptions").insertMany(made.map((one) => documentOf2022(userId, one)));
  const migrated = await runCli(["db", "migrate", "--apply"], { MONGODB_URI: nest.mongoUri });
  expect(migrated).toMatchObject({ status: 0 });
}

/** Stores subscriptions as `db import` does, without its last step, which records the kept one. */
async function importWithoutChoice(userId: string, ...made: Made[]): Promise<void> {
  const subscriptions = IMPORTED.filter(({ to }) => to === "subscriptions");
  for (const { convert } of subscriptions) {
    for (const one of made) {
      const { document } = convert(documentOf2022(userId, one)) as { document: Stored };
      await nest.collection("subscriptions").insertOne(document);
    }
  }
}

/** Posts events concurrently and retries those that fail, as Stripe does. */
async function deliverUntilAccepted(...events: DoubleEvent[]): Promise<void> {
  let waiting = events;
  for (let tries = 0; tries < 10; tries++) {
    const answers = await Promise.all(waiting.map((event) => nest.webhook(event)));
    waiting = waiting.filter((_event, index) => answers[index]?.status !== 200);
    if (waiting.length === 0) return;
    nest.clock.advance(RETRY_SECONDS);
  }
  throw new Error("an event was never accepted");
}

test("cancels the second of two migrated subscriptions when its owner buys a third", async () => {
  const { user_id } = await nest.signIn("ada@example.com");
  const first = createAtStripe("ada@example.com");
  const second = createAtStripe("ada@example.com");
  await migrateFrom2022(user_id, first, second);
  const bought = createAtStripe("ada@example.com");
  expect((await nest.webhook(created(bought.id))).status).toBe(200);
  expect(statusesOf(first, second, bought)).toEqual(["active", "canceled", "canceled"]);
  expect(nest.stripe.refunds()).toHaveLength(2);
  expect(nest.mailSubjects()).not.toContain("Welcome to Beak!");
  expect(await nest.subscriptionStatus(user_id)).toBe("active");
});

test("keeps the living one of two migrated subscriptions when the kept one ended at Stripe without an event", async () => {
  const { user_id } = await nest.signIn("ada@example.com");
  const ended = createAtStripe("ada@example.com");
  const living = createAtStripe("ada@example.com");
  await migrateFrom2022(user_id, ended, living);
  nest.stripe.cancelSubscription(ended.id);
  const bought = createAtStripe("ada@example.com");
  expect((await nest.webhook(created(bought.id))).status).toBe(200);
  expect(statusesOf(ended, living, bought)).toEqual(["canceled", "active", "canceled"]);
  expect(nest.stripe.refunds()).toHaveLength(1);
  expect(nest.mailSubjects()).not.toContain("Welcome to Beak!");
  const user = await nest.collection("users").findOne({ _id: user_id });
  expect(user).toMatchObject({ keptSubscriptionId: living.id });
});

test("keeps an imported subscription instead of a new one when the import stopped before its last step", async () => {
  const { user_id } = await nest.signIn("ada@example.com");
  const imported = createAtStripe("ada@example.com");
  await importWithoutChoice(user_id, imported);
  const bought = createAtStripe("ada@example.com");
  expect((await nest.webhook(created(bought.id))).status).toBe(200);
  expect(statusesOf(imported, bought)).toEqual(["active", "canceled"]);
  const user = await nest.collection("users").findOne({ _id: user_id });
  expect(user).toMatchObject({ keptSubscriptionId: imported.id });
});

test("cancels an undecided subscription when the kept one is updated", async () => {
  const { user_id } = await nest.signIn("ada@example.com");
  const kept = createAtStripe("ada@example.com");
  const other = createAtStripe("ada@example.com");
  await migrateFrom2022(user_id, kept, other);
  nest.stripe.updateSubscription(kept.id, { metadata: { n: "1" } });
  expect((await nest.webhook(nest.eventOf("customer.subscription.updated", kept.id))).status).toBe(200);
  expect(statusesOf(kept, other)).toEqual(["active", "canceled"]);
});

test("keeps one of four undecided subscriptions when the events of two arrive at once", async () => {
  for (let round = 0; round < 10; round++) {
    const email = `several${round}@example.com`;
    const { user_id } = await nest.signIn(email);
    const imported = [createAtStripe(email), createAtStripe(email)];
    await importWithoutChoice(user_id, ...imported);
    const bought = [createAtStripe(email), createAtStripe(email)];
    await deliverUntilAccepted(...bought.map(({ id }) => created(id)));
    expect(statusesOf(...imported, ...bought), email).toEqual(["active", "canceled", "canceled", "canceled"]);
    await nest.deliverEvents();
    expect(nest.stripe.refunds(), email).toHaveLength(3 * (round + 1));
    const user = await nest.collection("users").findOne({ _id: user_id });
    expect(user).toMatchObject({ keptSubscriptionId: imported[0]?.id, replacedSubscriptionIds: [] });
  }
}, 60_000);

test("cancels an undecided subscription when the event is retried after a crash at any write", async () => {
  let rounds = 0;
  let hasCrashed = true;
  for (let at = 1; hasCrashed; at++) {
    hasCrashed = false;
    for (const when of crashSides(at)) {
      const email = `${when}${at}@example.com`;
      const { user_id } = await nest.signIn(email);
      const first = createAtStripe(email);
      const second = createAtStripe(email);
      await importWithoutChoice(user_id, first, second);
      const bought = createAtStripe(email);
      const { body, header } = nest.stripe.signedEvent(created(bought.id));
      const worker = startWorker(nest, { at, when });
      if ((await worker.post(body, header)) === null) hasCrashed = true;
      await worker.close();
      nest.clock.advance(RETRY_SECONDS);
      await deliverUntilAccepted(created(bought.id));
      expect(statusesOf(first, second, bought), email).toEqual(["active", "canceled", "canceled"]);
      await deliverUntilAccepted(...[second, bought].map(({ id }) => deleted(id)));
      expect(nest.stripe.refunds(), email).toHaveLength(2 * ++rounds);
      expect(await stored(first.id), email).toMatchObject({ rejectedAt: null, status: "active" });
      expect(await nest.subscriptionStatus(user_id), email).toBe("active");
    }
  }
  expect(rounds).toBeGreaterThan(CRASH_POINTS_AT_LEAST);
}, 240_000);
