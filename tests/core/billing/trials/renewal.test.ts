import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY, HOUR } from "#core/clock.ts";
import {
  BUSY_MACHINE,
  codeIn,
  linkRequest,
  startNest,
  type TestNest,
  type Tokens,
  V2,
} from "#tests/support/nest.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
});
afterEach(() => nest.stop());

const deviceOf = (whose: string) => ({ platform: "mac", beak_id: `b-${whose}`, fingerprint: `f-${whose}` });
const ask = async (whose = "ada", address = ADA) => {
  const body = linkRequest({ identifier_value: address, device: deviceOf(whose) });
  const reply = await nest.call(`${V2}create_trial_and_magic_link`, body);
  return reply.body?.code ?? reply.status;
};
/** The status as the app of a signed-in user gets it. */
const statusOf = async ({ access_token, user_id }: Tokens) => {
  const reply = await nest.call(`${V2}get_subscription_status`, { user_id }, { bearer: access_token });
  return reply.body?.code ?? reply.body?.status;
};
/** Signs Ada in on her own device, which the address knows afterwards. */
const signIn = () => nest.signIn(ADA, { device: deviceOf("ada") });
const redeem = async () => (await nest.redeem(codeIn(nest.lastMail()))).body as Tokens;
const runOut = () => nest.passTime(15 * DAY);
const statuses = () => nest.stripe.subscriptions().map(({ status }) => status);

test("counts a trial as used by a status call of a session that its owner had already, on a known device", async () => {
  const session = await signIn();
  expect(await ask()).toBe(204);
  expect(await statusOf(session)).toBe("trialing");
  await runOut();
  expect(await ask()).toBe("trial_already_used");
  await nest.collection("subscriptions").deleteMany({});
  expect(await ask()).toBe("trial_already_used");
  expect(statuses()).toEqual(["canceled"]);
});

test("renews a trial that ended unused, although its owner signed in and redeemed its link", async () => {
  await signIn();
  expect(await ask()).toBe(204);
  await redeem();
  await runOut();
  expect(await ask()).toBe(204);
  expect(statuses()).toEqual(["canceled", "trialing"]);
  expect(await statusOf(await redeem())).toBe("trialing");
  await runOut();
  expect(await ask()).toBe("trial_already_used");
  expect(statuses()).toEqual(["canceled", "canceled"]);
});

test("refuses an unused trial whose link was redeemed: while it runs, and after its cancellation until its old end", async () => {
  await signIn();
  expect(await ask()).toBe(204);
  await redeem();
  expect(await ask()).toBe("already_subscribed");
  nest.stripe.cancelSubscription(nest.stripe.subscriptions()[0]?.id as string);
  await nest.deliverEvents();
  expect(await ask()).toBe("trial_already_used");
  await runOut();
  expect(await ask()).toBe(204);
});

test("starts the first trial of a user whose trialing subscription an operator made", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA, trialDays: 7 });
  await nest.deliverEvents();
  expect(await statusOf(await signIn())).toBe("trialing");
  expect(await ask()).toBe("already_subscribed");
  nest.stripe.cancelSubscription(id);
  await nest.deliverEvents();
  expect(await ask()).toBe(204);
});

const heartbeat = async ({ access_token: bearer }: Tokens) =>
  (await nest.call("/1/2020-12-14/get_subscription_status", undefined, { bearer })).status;

test("does not renew a trial that a heartbeat of 2020-12-14 reported as usable, and sends its reminder", async () => {
  const session = await signIn();
  expect(await ask()).toBe(204);
  await nest.deliverEvents();
  expect(await heartbeat(session)).toBe(204);
  await nest.passTime(12 * DAY);
  expect(nest.lastMail().subject).toBe("Your Beak trial ends soon");
  await runOut();
  expect(await ask()).toBe("trial_already_used");
});

test("renews a trial once when a heartbeat in its grace period races with the request", async () => {
  const session = await signIn();
  expect(await ask()).toBe(204);
  nest.clock.advance(14 * DAY + HOUR);
  nest.stripe.advance(0);
  const replies = await Promise.all(
    Array.from({ length: 10 }, () => Promise.all([ask(), heartbeat(session)])),
  );
  expect(replies.map(([asked]) => asked)).toEqual(replies.map(() => 204));
  expect(statuses()).toEqual(["canceled", "trialing"]);
});

test("does not count a call by an internal caller as use", async () => {
  const session = await signIn();
  expect(await ask()).toBe(204);
  expect(await nest.subscriptionStatus(session.user_id)).toBe("trialing");
  await runOut();
  expect(await ask()).toBe(204);
  expect(statuses()).toEqual(["canceled", "trialing"]);
});

test("does not use a trial up within its grace period, and renews it", async () => {
  expect(await ask("stranger")).toBe(204);
  nest.clock.advance(14 * DAY + HOUR);
  const session = await signIn();
  expect(await statusOf(session)).toBe("no_active_subscription");
  expect(await nest.collection("trials").findOne({ identifierValue: ADA })).toMatchObject({ usedAt: null });
  nest.stripe.advance(0);
  // The events are late: our record still says trialing.
  expect(await ask()).toBe(204);
  expect(statuses()).toEqual(["canceled", "trialing"]);
  expect(await statusOf(session)).toBe("trialing");
});

test("renews a trial for a user who signed in only after it ended, until it is used", async () => {
  expect(await ask("stranger")).toBe(204);
  await runOut();
  const session = await signIn();
  expect(await ask()).toBe(204);
  expect(await statusOf(session)).toBe("trialing");
  await runOut();
  expect(await ask()).toBe("trial_already_used");
  expect(statuses()).toEqual(["canceled", "canceled"]);
});

test("counts a trial as used that was created although Stripe's response was lost", async () => {
  nest.stripe.fault({ calls: 2, kind: "lost", on: "POST /v1/subscriptions" });
  expect(await ask()).toBe("stripe_error");
  await nest.deliverEvents();
  expect(await statusOf(await nest.signIn(ADA))).toBe("trialing");
  await runOut();
  expect(await ask()).toBe("trial_already_used");
  expect(statuses()).toEqual(["canceled"]);
});

test("gives one used trial to one device and address, however often sign-in, claim and status calls interleave", async () => {
  for (let turn = 0; turn < 4; turn++) {
    const [session] = await Promise.all([signIn(), ask(), ask()]);
    await nest.deliverEvents();
    await Promise.all([statusOf(session), ask(), statusOf(session), signIn()]);
    await runOut();
  }
  const used = await nest
    .collection("trials")
    .find({ usedAt: { $type: "string" } })
    .toArray();
  expect(used).toHaveLength(1);
  const ofTrial = await nest.collection("subscriptions").find({ trialId: used[0]?._id }).toArray();
  expect(
    ofTrial.filter(({ stpSubscriptionId }) => stpSubscriptionId === used[0]?.stpSubscriptionId),
  ).toHaveLength(1);
  expect(await ask()).toBe("trial_already_used");
}, 60_000);

test("gives one used trial to a user with two addresses, whichever of them signs in", async () => {
  const session = await signIn();
  await nest.signIn("ada@work.example", { device: deviceOf("ada") });
  await nest
    .collection("identifiers")
    .updateMany({ identifierValue: "ada@work.example" }, { $set: { userId: session.user_id } });
  expect(await ask()).toBe(204);
  expect(await statusOf(await nest.signIn("ada@work.example"))).toBe("trialing");
  await runOut();
  expect(await ask()).toBe("trial_already_used");
  expect(await ask("ada", "ada@work.example")).toBe("trial_already_used");
  expect(await ask("other", "ada@work.example")).toBe("trial_already_used");
  expect(statuses()).toEqual(["canceled"]);
});

test.each([
  [
    "canceled",
    async (id: string) => {
      nest.stripe.cancelSubscription(id);
    },
  ],
])("starts a displaced trial again until its original end after the purchase was %s", async (_how, end) => {
  expect(await ask()).toBe(204);
  const session = await redeem();
  expect(await statusOf(session)).toBe("trialing");
  const [trial] = nest.stripe.subscriptions();
  const originalEnd = trial?.trial_end;
  const bought = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect(await statusOf(session)).toBe("active");
  expect(await ask()).toBe("already_subscribed");
  nest.clock.advance(3 * DAY);
  await end(bought.id);
  await nest.deliverEvents();
  expect(await statusOf(await signIn())).toBe("no_active_subscription");
  expect(await ask()).toBe(204);
  const again = nest.stripe.subscriptions().at(-1);
  expect(again).toMatchObject({ status: "trialing", trial_end: originalEnd });
  await nest.deliverEvents();
  expect(await statusOf(await signIn())).toBe("trialing");
  await nest.passTime(12 * DAY);
  expect(await ask()).toBe("trial_already_used");
});

test("starts a displaced trial again although the event that ended its subscription is missing", async () => {
  expect(await ask()).toBe(204);
  const session = await redeem();
  expect(await statusOf(session)).toBe("trialing");
  const bought = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  nest.stripe.cancelSubscription(bought.id);
  await nest.deliverEvents();
  const endsAt = (await nest.collection("trials").findOne({ identifierValue: ADA }))?.endsAt;
  const missing = { $set: { status: "trialing", endsAt } };
  await nest.collection("subscriptions").updateOne({ rejectedAt: { $ne: null } }, missing);
  expect(await ask()).toBe(204);
  expect(statuses()).toContain("trialing");
});

test("does not start a trial again that its owner canceled, or whose original end has passed", async () => {
  expect(await ask()).toBe(204);
  const session = await redeem();
  expect(await statusOf(session)).toBe("trialing");
  nest.stripe.cancelSubscription(nest.stripe.subscriptions()[0]?.id as string);
  await nest.deliverEvents();
  expect(await ask()).toBe("trial_already_used");

  expect(await ask("bob", "bob@example.com")).toBe(204);
  const bob = await redeem();
  expect(await statusOf(bob)).toBe("trialing");
  const bought = nest.stripe.createSubscription({ email: "bob@example.com" });
  await nest.deliverEvents();
  await nest.passTime(20 * DAY);
  nest.stripe.cancelSubscription(bought.id);
  await nest.deliverEvents();
  expect(await ask("bob", "bob@example.com")).toBe("trial_already_used");
});
