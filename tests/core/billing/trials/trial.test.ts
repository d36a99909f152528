import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { BY_OPERATOR } from "#core/events/event_source.ts";
import { openRepositories } from "#core/repositories/all.ts";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { ensureUser } from "#core/users/sign_in_user.ts";
import { openFreshDatabase } from "#tests/support/database.ts";
import { linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const machine = { platform: "mac", beak_id: "b-stranger", fingerprint: "f-stranger" };
const ask = async (address = ADA, at = nest) => {
  const body = linkRequest({ identifier_value: address, device: machine });
  const reply = await at.call(`${V2}create_trial_and_magic_link`, body);
  return reply.body?.code ?? reply.status;
};
const subscription = async () => {
  const user_id = await nest.userIdOf(ADA);
  await nest.verifyAddresses(user_id);
  const reply = await nest.call(`${V2}get_subscription_status`, { user_id }, { internal: true });
  return reply.status === 200 ? reply.body : reply.body.code;
};
const payments = () => nest.stripe.events().filter(({ type }) => type === "payment_intent.succeeded");
/** Creates a former customer, whose card is stored at Stripe. */
const payAndLeave = async () => {
  const made = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  nest.stripe.cancelSubscription(made.id);
  await nest.deliverEvents();
  return made;
};
const deleteCustomer = (id: string) =>
  fetch(`${nest.stripe.url}/v1/customers/${id}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${nest.stripe.secretKey}` },
  });

test("ends a former customer's trial without charging the stored card when a stranger started it", async () => {
  const { customer } = await payAndLeave();
  expect(await ask()).toBe(204);
  await nest.deliverEvents();
  expect(nest.stripe.customers().map(({ id }) => id)).toEqual([customer]);
  expect(await subscription()).toMatchObject({ status: "trialing", cancel_type: "period_end" });
  await nest.passTime(16 * DAY);
  expect(await subscription()).toBe("no_active_subscription");
  expect(payments()).toHaveLength(1);
});

test("charges the stored card of a former customer who chooses to continue after the trial", async () => {
  await payAndLeave();
  await ask();
  const trial = nest.stripe.subscriptions().at(-1);
  nest.stripe.updateSubscription(trial?.id ?? "", { cancel_at_period_end: false });
  await nest.passTime(14 * DAY + 60);
  expect(await subscription()).toMatchObject({ status: "active" });
  expect(payments()).toHaveLength(2);
});

test.each(["past_due", "unpaid", "paused"] as const)(
  "refuses a trial in addition to a %s subscription, whose payments would be refunded",
  async (status) => {
    const { id } = nest.stripe.createSubscription({ email: ADA, status });
    await nest.deliverEvents();
    // After every grace period, but before Stripe's last retry.
    nest.clock.advance(40 * DAY);
    expect(await subscription()).toBe("no_active_subscription");
    expect(await ask()).toBe("already_subscribed");
    expect(nest.stripe.subscriptions().map((one) => [one.id, one.status])).toEqual([[id, status]]);
    expect(await nest.collection("trials").countDocuments()).toBe(0);
  },
);

test("returns already_subscribed when the trial became a paid subscription, even if its link was never opened", async () => {
  expect(await ask()).toBe(204);
  await nest.deliverEvents();
  const [trial] = nest.stripe.subscriptions();
  nest.stripe.attachCard(trial?.customer ?? "");
  await nest.passTime(14 * DAY + 60);
  expect(await subscription()).toMatchObject({ status: "active" });
  const mails = nest.ses.inbox.length;
  expect(await ask()).toBe("already_subscribed");
  nest.stripe.updateSubscription(trial?.id ?? "", { status: "unpaid" });
  await nest.deliverEvents();
  expect(await ask()).toBe("already_subscribed");
  expect(nest.ses.inbox).toHaveLength(mails);
});

test("keeps the customer when Stripe does not know the configured price", async () => {
  const { customer } = await payAndLeave();
  const wrong = await startNest({ beside: nest, environment: { STRIPE_PRICE_ID: "price_wrong" } });
  for (let tries = 0; tries < 4; tries++) {
    expect(await ask(ADA, wrong)).toBe("stripe_error");
    expect(await ask("bob@example.com", wrong)).toBe("trial_already_used");
  }
  expect(nest.stripe.customers().map(({ id }) => id)).toEqual([customer]);
  expect(await nest.collection("provider-mappings").findOne({ providerValue: customer })).toMatchObject({
    removedAt: null,
  });
  expect(await ask()).toBe(204);
  await wrong.stop();
});

test("creates a new customer when the former one was deleted at Stripe", async () => {
  const { customer } = await payAndLeave();
  await deleteCustomer(customer);
  expect(await ask()).toBe(204);
  const living = nest.stripe.subscriptions().filter(({ status }) => status === "trialing");
  expect(living).toHaveLength(1);
  expect(living[0]?.customer).not.toBe(customer);
  const mappings = nest.collection("provider-mappings");
  expect(await mappings.findOne({ providerValue: customer })).toMatchObject({
    removedAt: expect.any(String),
  });
  await nest.deliverEvents();
  expect(await subscription()).toMatchObject({ status: "trialing", cancel_at: null });
});

test("stores a trial subscription that was created but not stored at the next request, without a webhook", async () => {
  await ask();
  await nest.collection("subscriptions").deleteMany({});
  expect(await subscription()).toBe("no_active_subscription");
  expect(await ask()).toBe(204);
  expect(await subscription()).toMatchObject({ status: "trialing" });
  expect(nest.stripe.subscriptions()).toHaveLength(1);
});

test("creates another subscription when the subscription that was not stored has ended", async () => {
  await ask();
  await nest.collection("subscriptions").deleteMany({});
  nest.stripe.cancelSubscription(nest.stripe.subscriptions()[0]?.id ?? "");
  expect(await ask()).toBe(204);
  expect(await subscription()).toMatchObject({ status: "trialing" });
  expect(nest.stripe.subscriptions().map(({ status }) => status)).toEqual(["canceled", "trialing"]);
});

test.each([
  ["rate_limited", 1],
  ["lost", 1],
  ["hang", 1],
  ["error", 2],
] as const)(
  "after the failure %s, uses attempt %i in the next request's idempotency key",
  async (kind, attempt) => {
    nest.stripe.fault({ calls: kind === "lost" ? 2 : 1, kind, on: "POST /v1/subscriptions" });
    expect(await ask()).toBe("stripe_error");
    expect(await nest.collection("trials").findOne({})).toMatchObject({
      attempts: { subscription: attempt },
    });
    expect(await ask()).toBe(204);
    expect(nest.stripe.subscriptions()).toHaveLength(1);
  },
);

test("keeps the user that a concurrent request created for the same trial", async () => {
  await using opened = await openFreshDatabase();
  await createIndexes(opened.database);
  const core = openRepositories(opened.database);
  const { users } = core;
  const now = nest.clock.now().toISOString();
  await ensureUser(core, { identity: ADA, found: null, newUserId: "user_1", source: BY_OPERATOR }, now);
  await users.keepSubscription("user_1", "sub_1", now);
  await ensureUser(core, { identity: ADA, found: null, newUserId: "user_1", source: BY_OPERATOR }, now);
  expect(await users.find("user_1")).toMatchObject({ keptSubscriptionId: "sub_1" });
});
