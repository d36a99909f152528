import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { codeIn, linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const ask = async (whose = "ada") => {
  const device = { platform: "mac", beak_id: `b-${whose}`, fingerprint: `f-${whose}` };
  const body = linkRequest({ identifier_value: ADA, device });
  const reply = await nest.call(`${V2}create_trial_and_magic_link`, body);
  return reply.body?.code ?? reply.status;
};
const statusOf = async (userId?: string) => nest.subscriptionStatus(userId ?? (await nest.userIdOf(ADA)));
const runOut = async () => {
  await nest.passTime(15 * DAY);
  expect(await statusOf()).toBe("no_active_subscription");
};
const statuses = () => nest.stripe.subscriptions().map(({ status }) => status);

test("counts a trial as used by a user who was signed in when it was created, even if its link was never opened", async () => {
  const { access_token, user_id } = await nest.signIn(ADA);
  expect(await ask()).toBe(204);
  const own = await nest.call(`${V2}get_subscription_status`, { user_id }, { bearer: access_token });
  expect(own.body).toMatchObject({ status: "trialing" });
  await runOut();
  expect(await ask()).toBe(204);
  expect(statuses()).toEqual(["canceled"]);
  await nest.collection("subscriptions").deleteMany({});
  expect(await ask()).toBe(204);
  expect(statuses()).toEqual(["canceled"]);
});

test("renews an unused trial of a user who signed out before it was created", async () => {
  const { client_id, refresh_token } = await nest.signIn(ADA);
  await nest.call(`${V2}revoke_token`, { client_id, refresh_token });
  nest.clock.advance(60);
  expect(await ask("stranger")).toBe(204);
  await runOut();
  expect(await ask()).toBe(204);
  expect(statuses()).toEqual(["canceled", "trialing"]);
});

test("renews an unused trial of a user whose only session was idle for longer than the lifetime of an access token", async () => {
  await nest.signIn(ADA);
  nest.clock.advance(11 * DAY);
  expect(await ask("stranger")).toBe(204);
  await runOut();
  expect(await ask()).toBe(204);
  expect(statuses()).toEqual(["canceled", "trialing"]);
});

test("counts a trial as used by a user who refreshed a token during the trial, however long the session was idle before", async () => {
  const { client_id, refresh_token } = await nest.signIn(ADA);
  nest.clock.advance(30 * DAY);
  expect(await ask()).toBe(204);
  nest.clock.advance(DAY);
  const grant = { client_id, grant_type: "refresh_token", refresh_token };
  expect((await nest.call("/1/2020-12-14/authenticate_user", grant)).status).toBe(200);
  await runOut();
  expect(await ask()).toBe(204);
  expect(statuses()).toEqual(["canceled"]);
});

test("renews a trial once for a user who signs in after a stranger's trial ended, and not again", async () => {
  expect(await ask("stranger")).toBe(204);
  await runOut();
  await nest.signIn(ADA);
  expect(await ask()).toBe(204);
  expect(await statusOf()).toBe("trialing");
  await runOut();
  expect(await ask()).toBe(204);
  expect(statuses()).toEqual(["canceled", "canceled"]);
});

test("counts a trial as used that was created although Stripe's response was lost", async () => {
  nest.stripe.fault({ calls: 2, kind: "lost", on: "POST /v1/subscriptions" });
  expect(await ask()).toBe("stripe_error");
  await nest.deliverEvents();
  await nest.signIn(ADA);
  expect(await statusOf()).toBe("trialing");
  await runOut();
  expect(await ask()).toBe(204);
  const { user_id } = (await nest.redeem(codeIn(nest.lastMail()))).body;
  expect(await statusOf(user_id)).toBe("no_active_subscription");
  expect(statuses()).toEqual(["canceled"]);
  expect(await nest.collection("users").findOne({ _id: user_id })).toMatchObject({
    keptSubscriptionId: null,
  });
});
