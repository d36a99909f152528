import { afterEach, beforeEach, expect, test } from "vitest";
import { runCli } from "#tests/support/cli.ts";
import { linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";

// Documents of contract part 2 D that were imported by a release before 0.2.0 and are migrated now.
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const at = "2026-01-02T03:04:05.006Z";
const USER = "user_000000DRn3Zc9zbr3vnczp0jcNqi4";

async function insertCustomer(subscription: { id: string; customer: string }): Promise<void> {
  const identifier = {
    identifierType: "email",
    identifierValue: "ada@example.com",
    updatedAt: null,
    verifiedAt: null,
  };
  await nest.collection("users").insertOne({ _id: USER, createdAt: at });
  await nest
    .collection("identifiers")
    .insertOne({ _id: "userident_1", userId: USER, ...identifier, createdAt: at, removedAt: null });
  await nest.collection("provider-mappings").insertOne({
    _id: "provmap_1",
    userId: USER,
    providerType: "stripe",
    providerValue: subscription.customer,
    createdAt: at,
    updatedAt: at,
    removedAt: null,
  });
  await nest.collection("subscriptions").insertOne({
    _id: "sub_1",
    userId: USER,
    stpProductId: "prod_beak",
    stpSubscriptionId: subscription.id,
    stpCustomerId: subscription.customer,
    status: "active",
    startsAt: at,
    endsAt: new Date(nest.clock.now().getTime() + 86_400_000).toISOString(),
    cancelAt: null,
    cancelType: null,
    cancelledAt: null,
    createdAt: at,
    updatedAt: null,
  });
  expect(await runCli(["db", "migrate", "--apply"], { MONGODB_URI: nest.mongoUri })).toMatchObject({
    status: 0,
  });
}
const status = () => nest.subscriptionStatus(USER);

test("a subscription of 2022 grants access and follows Stripe's events, and sends no welcome mail", async () => {
  const made = nest.stripe.createSubscription({ email: "ada@example.com" });
  await insertCustomer(made);
  expect(await status()).toBe("active");
  nest.stripe.updateSubscription(made.id, { cancel_at_period_end: true });
  const answers = await nest.deliverEvents();
  expect(answers.every(([, code]) => code === 200)).toBe(true);
  expect(await nest.collection("subscriptions").findOne({ _id: "sub_1" })).toMatchObject({
    cancelType: "period_end",
    version: expect.any(Number),
  });
  expect(await status()).toBe("active");
  nest.stripe.cancelSubscription(made.id);
  await nest.deliverEvents();
  expect(await status()).toBe("no_active_subscription");
  expect(nest.ses.inbox).toEqual([]);
});

test("a Stripe trial of 2022 sends the reminder of its end, and no welcome mail when it continues", async () => {
  const made = nest.stripe.createSubscription({ email: "ada@example.com", trialDays: 14 });
  await insertCustomer(made);
  nest.stripe.attachCard(made.customer);
  for (const days of [12, 3]) {
    nest.clock.advance(days * 86_400);
    nest.stripe.advance(0);
    await nest.deliverEvents();
  }
  expect(await status()).toBe("active");
  expect(nest.mailSubjects()).toEqual(["Your Beak trial ends soon"]);
});

test("the owner of a subscription of 2022 signs in as the same user and can't start a trial", async () => {
  await insertCustomer(nest.stripe.createSubscription({ email: "ada@example.com" }));
  expect((await nest.signIn("ada@example.com")).user_id).toBe(USER);
  const trial = await nest.call(`${V2}create_trial_and_magic_link`, linkRequest());
  expect(trial.body.code).toBe("already_subscribed");
});

test("a trial of 2022 counts as used for its user, its fingerprint and its beak id", async () => {
  const trial = (n: number, userId: string, beakId: string, fingerprint: string) => ({
    _id: `trial_${n}`,
    userId,
    stpProductId: "prod_1",
    stpSubscriptionId: `sub_T${n}`,
    stpCustomerId: `cus_T${n}`,
    startsAt: at,
    endsAt: at,
    device: { beakId, fingerprint },
    createdAt: at,
    updatedAt: null,
  });
  const { user_id } = await nest.signIn("ada@example.com");
  await nest.collection("trials").insertMany([trial(1, user_id, "b9", "f9"), trial(2, "user_2", "b8", "f8")]);
  const ask = async (identifier_value: string, beak_id: string, fingerprint: string) => {
    const body = linkRequest({ identifier_value, device: { platform: "mac", beak_id, fingerprint } });
    const reply = await nest.call(`${V2}create_trial_and_magic_link`, body);
    return reply.body?.code ?? reply.status;
  };
  expect(await ask("ada@example.com", "new", "new")).toBe("trial_already_used");
  expect(await ask("bob@example.com", "b8", "new")).toBe("trial_already_used");
  expect(await ask("bob@example.com", "new", "f9")).toBe("trial_already_used");
  expect(await ask("bob@example.com", "new", "new")).toBe(204);
});

test("a second subscription in addition to a subscription of 2022 without any event is a duplicate at once", async () => {
  const made = nest.stripe.createSubscription({ email: "ada@example.com" });
  await insertCustomer(made);
  nest.clock.advance(10);
  const second = nest.stripe.createSubscription({ email: "ada@example.com" });
  const created = nest.eventOf("customer.subscription.created", second.id);
  expect((await nest.webhook(created)).status).toBe(200);
  expect(nest.stripe.subscriptions().map(({ id, status }) => [id, status])).toEqual([
    [made.id, "active"],
    [second.id, "canceled"],
  ]);
  expect(nest.stripe.refunds()).toHaveLength(1);
  expect(nest.mailSubjects()).toEqual(["Duplicate Beak Subscription"]);
  expect(await nest.collection("users").findOne({ _id: USER })).toMatchObject({
    keptSubscriptionId: made.id,
  });
  expect(await status()).toBe("active");
});

test("a new subscription is kept when the subscription of 2022 ended at Stripe without an event", async () => {
  const made = nest.stripe.createSubscription({ email: "ada@example.com" });
  await insertCustomer(made);
  nest.stripe.cancelSubscription(made.id);
  const second = nest.stripe.createSubscription({ email: "ada@example.com" });
  const created = nest.eventOf("customer.subscription.created", second.id);
  expect((await nest.webhook(created)).status).toBe(200);
  expect(nest.stripe.subscriptions().map(({ status }) => status)).toEqual(["canceled", "active"]);
  expect(nest.stripe.refunds()).toEqual([]);
  expect(await nest.collection("users").findOne({ _id: USER })).toMatchObject({
    keptSubscriptionId: second.id,
  });
  expect(nest.mailSubjects()).toEqual(["Welcome to Beak!"]);
});
