import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { linkRequest, startNest, type TestNest, type Tokens, V2 } from "#tests/support/nest.ts";

const ADA = "ada@example.com";
const device = { platform: "mac", beak_id: "ada", fingerprint: "ada" };
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const status = async ({ access_token, user_id }: Tokens) =>
  (await nest.call(`${V2}get_subscription_status`, { user_id }, { bearer: access_token })).body;
const askForTrial = async () => {
  const body = linkRequest({ identifier_value: ADA, device });
  const reply = await nest.call(`${V2}create_trial_and_magic_link`, body);
  return reply.body?.code ?? reply.status;
};
/** The customers for whom a link to the billing portal was requested. */
const portalCustomers = () =>
  nest.stripe.requests
    .filter(({ path }) => path === "/v1/billing_portal/sessions")
    .map(({ params }) => params.customer);
/** A purchase through a payment link, whose buyer typed Ada's address. */
const buy = async () => {
  const bought = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  return bought;
};

test("the owner of the address gets access and a link to the buyer's portal, until the buyer cancels", async () => {
  const { id, customer } = await buy();
  const session = await nest.signIn(ADA);
  expect(await status(session)).toMatchObject({
    status: "active",
    billing_portal_url: expect.stringContaining("http"),
    entitlement: expect.any(String),
  });
  expect(portalCustomers()).toEqual([customer]);
  nest.stripe.cancelSubscription(id);
  await nest.deliverEvents();
  expect(await status(session)).toMatchObject({ code: "no_active_subscription" });
});

test("a trial that a purchase displaced starts again until its original end, but not before the disputed purchase has ended", async () => {
  const session = await nest.signIn(ADA, { device });
  expect(await askForTrial()).toBe(204);
  await nest.deliverEvents();
  expect(await status(session)).toMatchObject({ status: "trialing", entitlement: expect.any(String) });
  const originalEnd = nest.stripe.subscriptions()[0]?.trial_end;
  const { id } = await buy();
  nest.clock.advance(DAY);
  const dispute = nest.stripe.dispute(id);
  await nest.deliverEvents();
  // The purchase still grants access at status calls. Offline, the app has no entitlement.
  expect(await status(await nest.signIn(ADA, { device }))).toMatchObject({
    status: "active",
    entitlement: null,
  });
  expect(await askForTrial()).toBe("already_subscribed");
  nest.stripe.closeDispute(dispute.id, "lost");
  await nest.deliverEvents();
  expect(await askForTrial()).toBe("already_subscribed");
  nest.stripe.cancelSubscription(id);
  await nest.deliverEvents();
  expect(await askForTrial()).toBe(204);
  await nest.deliverEvents();
  expect(nest.stripe.subscriptions().at(-1)).toMatchObject({ status: "trialing", trial_end: originalEnd });
  expect(await status(await nest.signIn(ADA, { device }))).toMatchObject({
    status: "trialing",
    entitlement: expect.any(String),
  });
});
