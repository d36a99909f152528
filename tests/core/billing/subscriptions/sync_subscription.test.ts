import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY, HOUR } from "#core/clock.ts";
import type { DoubleEvent } from "#stripe_double/types.ts";
import { linkRequest, PRICE_ID, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { pauseWebhook } from "#tests/support/paused_webhook.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const pause = (at: number) => pauseWebhook(nest.environment, nest, at);
/** Calls Stripe's API as a merchant. */
const post = async (path: string, params: Record<string, string>): Promise<{ id: string }> => {
  const headers = { authorization: `Bearer ${nest.stripe.secretKey}` };
  const reply = await fetch(nest.stripe.url + path, {
    ...{ method: "POST", headers, body: new URLSearchParams(params) },
  });
  expect(reply.status).toBe(200);
  return (await reply.json()) as { id: string };
};
const newest = (type: string) =>
  nest.stripe.events().findLast((event) => event.type === `customer.subscription.${type}`) as DoubleEvent;
const stored = (id: string) => nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
const statusOf = async (id: string) => nest.subscriptionStatus((await stored(id))?.userId);
/** Changes the product of a subscription. */
const changeProduct = (id: string, product: string) => {
  const items = structuredClone(nest.stripe.subscriptions().find((one) => one.id === id)?.items);
  for (const item of items?.data ?? []) item.price.product = product;
  nest.stripe.updateSubscription(id, { fields: { items: items } });
};

test("stores a subscription that was changed to one of our products after it was created", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA });
  changeProduct(id, "prod_other");
  expect((await nest.webhook(newest("created"))).status).toBe(200);
  nest.clock.advance(DAY);
  changeProduct(id, "prod_beak");
  expect((await nest.webhook(newest("updated"))).status).toBe(200);
  expect(await statusOf(id)).toBe("active");
  expect(nest.mailSubjects()).toEqual(["Welcome to Beak!"]);
});

test("stores a subscription without `created` at its next event after an hour, and welcomes its owner if it is new", async () => {
  const young = nest.stripe.createSubscription({ email: ADA });
  nest.clock.advance(HOUR - 60);
  nest.stripe.updateSubscription(young.id, { metadata: { n: "1" } });
  expect((await nest.webhook(newest("updated"))).body.code).toBe("subscription_not_ready");
  nest.clock.advance(120);
  expect((await nest.webhook(newest("updated"))).status).toBe(200);
  expect(await statusOf(young.id)).toBe("active");
  expect(nest.mailSubjects()).toEqual(["Welcome to Beak!"]);

  const old = nest.stripe.createSubscription({ email: "bob@example.com" });
  nest.clock.advance(10 * DAY);
  nest.stripe.updateSubscription(old.id, { metadata: { n: "2" } });
  expect((await nest.webhook(newest("updated"))).status).toBe(200);
  expect(await statusOf(old.id)).toBe("active");
  expect(nest.mailSubjects()).toHaveLength(1);
});

test("stores an unknown trial at trial_will_end, and reminds its owner", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA, trialDays: 14 });
  nest.clock.advance(12 * DAY);
  nest.stripe.advance(0);
  for (let copy = 0; copy < 2; copy++)
    expect((await nest.webhook(newest("trial_will_end"))).status).toBe(200);
  expect(await statusOf(id)).toBe("trialing");
  expect(nest.mailSubjects()).toEqual(["Your Beak trial ends soon"]);
});

test("a subscription that was changed to another product grants nothing, competes with nothing and is not canceled", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  changeProduct(id, "prod_other");
  await nest.deliverEvents();
  expect(await statusOf(id)).toBe("no_active_subscription");
  expect(await stored(id)).toMatchObject({ stpProductId: "prod_other", isOtherProduct: true });
  const ours = nest.stripe.createSubscription({ email: ADA });
  for (let copy = 0; copy < 2; copy++) await nest.deliverEvents();
  expect(nest.stripe.subscriptions().map(({ status }) => status)).toEqual(["active", "active"]);
  expect(nest.stripe.refunds()).toEqual([]);
  expect(await statusOf(ours.id)).toBe("active");
});

test("grants access again when a subscription is changed back to one of our products", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  changeProduct(id, "prod_other");
  const ours = nest.stripe.createSubscription({ email: ADA });
  expect((await nest.webhook(newest("created"))).status).toBe(200);
  await nest.deliverEvents();
  expect(nest.stripe.subscriptions().map(({ status }) => status)).toEqual(["active", "active"]);
  nest.stripe.cancelSubscription(ours.id);
  await nest.deliverEvents();
  expect(await nest.collection("users").find().toArray()).toMatchObject([{ keptSubscriptionId: null }]);
  expect(await statusOf(id)).toBe("no_active_subscription");
  changeProduct(id, "prod_beak");
  await nest.deliverEvents();
  expect(await statusOf(id)).toBe("active");
});

test("reassigns a subscription that was stored for another user than its customer's", async () => {
  const made = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  const wrong = (await stored(made.id))?.userId;
  const { user_id } = await nest.signIn("owner@example.com");
  await nest
    .collection("provider-mappings")
    .updateOne({ providerValue: made.customer }, { $set: { userId: user_id } });
  nest.stripe.updateSubscription(made.id, { metadata: { n: "1" } });
  await nest.deliverEvents();
  expect(await stored(made.id)).toMatchObject({ userId: user_id });
  const users = await nest.collection("users").find().toArray();
  expect(users.find(({ _id }) => _id === wrong)).toMatchObject({ keptSubscriptionId: null });
  expect(users.find(({ _id }) => _id === user_id)).toMatchObject({ keptSubscriptionId: made.id });
});

test("stores on a customer's mapping that only the email address matched, unless Nest created the customer", async () => {
  const bought = nest.stripe.createSubscription({ email: ADA });
  const body = linkRequest({ identifier_value: "bob@example.com" });
  expect((await nest.call(`${V2}create_trial_and_magic_link`, body)).status).toBe(204);
  await nest.deliverEvents();
  const mappings = await nest.collection("provider-mappings").find().toArray();
  expect(mappings).toHaveLength(2);
  for (const { providerValue, matchedBy } of mappings)
    expect(matchedBy).toBe(providerValue === bought.customer ? "address" : "nest");
});

test("assigns a subscription by its mapped customer, whatever email address Stripe has now", async () => {
  const { user_id: bob } = await nest.signIn("bob@example.com");
  const first = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  const ada = (await stored(first.id))?.userId;
  nest.stripe.cancelSubscription(first.id);
  await post(`/v1/customers/${first.customer}`, { email: "bob@example.com" });
  const second = await post("/v1/subscriptions", {
    customer: first.customer,
    "items[0][price]": PRICE_ID,
  });
  await nest.deliverEvents();
  expect(ada).not.toBe(bob);
  expect(await stored(second.id)).toMatchObject({ userId: ada, status: "active" });
});

test("assigns a subscription to the user to whom its customer is mapped while it is stored", async () => {
  const { user_id } = await nest.signIn("owner@example.com");
  const { id, customer } = nest.stripe.createSubscription({ email: ADA });
  const paused = pauseWebhook(nest.environment, nest, 1, "ProviderMappingRepository.findByCustomer");
  const answer = paused.post(newest("created"));
  await paused.reached;
  const at = nest.clock.now().toISOString();
  await nest.collection("provider-mappings").insertOne({
    ...{ _id: "provmap_1", userId: user_id, providerType: "stripe", providerValue: customer },
    ...{ createdAt: at, updatedAt: at, removedAt: null },
  });
  paused.resume();
  expect((await answer).statusCode).toBe(503);
  nest.clock.advance(150);
  expect((await nest.webhook(newest("created"))).status).toBe(200);
  expect(await stored(id)).toMatchObject({ userId: user_id });
  expect(nest.mailSubjects().filter((subject) => subject === "Welcome to Beak!")).toHaveLength(1);
  await paused.close();
});

test("maps a customer at the next event when the process died before it stored the mapping", async () => {
  const { id, customer } = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  await nest.collection("provider-mappings").deleteMany({});
  nest.stripe.updateSubscription(id, { metadata: { n: "1" } });
  await nest.deliverEvents();
  const userId = (await stored(id))?.userId;
  const mappings = await nest.collection("provider-mappings").find().toArray();
  expect(mappings).toMatchObject([{ providerValue: customer, userId }]);
});

test("does not overwrite a newer state with an older reading of Stripe", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  nest.stripe.updateSubscription(id, { cancel_at_period_end: true });
  const paused = pause(1);
  const answer = paused.post(newest("updated"));
  await paused.reached;
  nest.stripe.updateSubscription(id, { cancel_at_period_end: false });
  expect((await nest.webhook(newest("updated"))).status).toBe(200);
  paused.resume();
  expect((await answer).statusCode).toBe(200);
  expect(await stored(id)).toMatchObject({ cancelType: null, cancelAt: null });
  await paused.close();
});
