import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Access, findAccess } from "#core/billing/subscriptions/subscription.ts";
import { recordTrialUse } from "#core/billing/trials/record_trial_use.ts";
import { DAY } from "#core/clock.ts";
import { BY_OPERATOR } from "#core/events/event_source.ts";
import { billing, stripe } from "#core/parts.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { codeIn, linkRequest, startNest, type TestNest, type Tokens, V1, V2 } from "#tests/support/nest.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const deviceOf = (whose: string) => ({ platform: "mac", beak_id: `b-${whose}`, fingerprint: `f-${whose}` });
const ask = async (whose = "ada", address = ADA) => {
  const body = linkRequest({ identifier_value: address, device: deviceOf(whose) });
  const reply = await nest.call(`${V2}create_trial_and_magic_link`, body);
  return reply.body?.code ?? reply.status;
};
const status = ({ access_token, user_id }: Tokens) =>
  nest.call(`${V2}get_subscription_status`, { user_id }, { bearer: access_token });
const heartbeat = async ({ access_token }: Tokens) =>
  (await nest.call(`${V1}get_subscription_status`, undefined, { bearer: access_token })).status;
const redeem = async () => (await nest.redeem(codeIn(nest.lastMail()))).body as Tokens;
const atStripe = () => nest.stripe.subscriptions()[0];
const trial = () => nest.collection("trials").findOne({ identifierValue: ADA });
const record = () =>
  nest.collection("subscriptions").findOne({ stpSubscriptionId: atStripe()?.id as string });
const updates = () =>
  nest.stripe.requests.filter(
    ({ method, path, isReplay }) =>
      method === "POST" && path === `/v1/subscriptions/${atStripe()?.id}` && !isReplay,
  );
const inSeconds = (iso: string) => Date.parse(iso) / 1000;

/** A trial that a stranger started five days ago, and the session of its owner, who signed in just now. */
async function strangersTrial(): Promise<Tokens> {
  expect(await ask("stranger")).toBe(204);
  await nest.deliverEvents();
  await nest.passTime(5 * DAY);
  return nest.signIn(ADA);
}
/** The full length from the recorded first use, in Unix seconds. */
const fullEnd = async () => Math.floor(inSeconds(String((await trial())?.usedAt))) + 14 * DAY;

describe("the first use of a trial", () => {
  test("gives the full length of a trial from its first use, in the response, the entitlement and at Stripe", async () => {
    const session = await strangersTrial();
    const { body } = await status(session);
    const end = await fullEnd();
    expect(inSeconds(body.end_date)).toBe(end);
    expect(decodeJwt(body.entitlement).exp).toBe(end);
    expect(atStripe()).toMatchObject({ status: "trialing", trial_end: end });
    expect(updates()).toMatchObject([{ params: { trial_end: String(end), proration_behavior: "none" } }]);
    expect(await trial()).toMatchObject({ usedAt: expect.any(String), pendingEndsAt: null });
    await nest.deliverEvents();
    expect(await record()).toMatchObject({ endsAt: body.end_date });
  });

  test("moves the end once, however many status calls race and follow", async () => {
    const session = await strangersTrial();
    const replies = await Promise.all(Array.from({ length: 12 }, () => status(session)));
    const end = await fullEnd();
    for (const { body } of replies) expect(inSeconds(body.end_date)).toBe(end);
    // A request that waits for the response to the same key is sent again.
    expect(new Set(updates().map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    const sent = updates().length;
    await nest.deliverEvents();
    await nest.passTime(3 * DAY);
    expect(inSeconds((await status(await nest.signIn(ADA))).body.end_date)).toBe(end);
    expect(updates()).toHaveLength(sent);
    expect(atStripe()?.trial_end).toBe(end);
  });

  test("responds with the moved end if another call moved it after the subscription was read", async () => {
    const session = await strangersTrial();
    const { core } = nest.gateway;
    const id = String(atStripe()?.id);
    const read = await core.subscriptions.findByStripeId(id);
    const { body } = await status(session);
    const now = nest.clock.now();
    const access = findAccess([read as Subscription], now) as Access;
    const used = await core.trials.findOf(access.subscription);
    const parts = { ...core, stripe: nest.gateway.part(stripe), billing: nest.gateway.part(billing) };
    const { endsAt } = await recordTrialUse(parts, { access, trial: used }, BY_OPERATOR, now);
    expect(endsAt).toBe(body.end_date);
  });

  test("does not let a heartbeat or an internal caller use the trial", async () => {
    const session = await strangersTrial();
    expect(await heartbeat(session)).toBe(204);
    expect(await nest.subscriptionStatus(session.user_id)).toBe("trialing");
    expect(await trial()).toMatchObject({ usedAt: null });
    expect(updates()).toEqual([]);
  });

  test.each(["error", "hang"] as const)(
    "responds with the new end while Stripe fails (%s), keeps it when an event arrives, and sends it to Stripe later",
    async (kind) => {
      const session = await strangersTrial();
      nest.stripe.fault({ calls: 20, kind, on: `POST /v1/subscriptions/${atStripe()?.id}` });
      const { body } = await status(session);
      const end = await fullEnd();
      expect(inSeconds(body.end_date)).toBe(end);
      expect(atStripe()?.trial_end).toBeLessThan(end);
      expect(await trial()).toMatchObject({ pendingEndsAt: body.end_date });
      nest.stripe.clear();
      nest.stripe.fault({ calls: 1, kind, on: `POST /v1/subscriptions/${atStripe()?.id}` });
      const late = { ...nest.eventOf("customer.subscription.created"), id: "evt_late" };
      await nest.webhook({ ...late, type: "customer.subscription.updated" });
      expect(await record()).toMatchObject({ endsAt: body.end_date });
      nest.stripe.clear();
      expect(inSeconds((await status(session)).body.end_date)).toBe(end);
      expect(atStripe()?.trial_end).toBe(end);
      expect(await trial()).toMatchObject({ pendingEndsAt: null });
    },
    30_000,
  );

  test("does not extend a trial that is scheduled to end, or that Stripe has ended", async () => {
    const session = await strangersTrial();
    nest.stripe.updateSubscription(atStripe()?.id as string, { cancel_at_period_end: true });
    const before = atStripe()?.trial_end;
    // Its event has not arrived.
    const { body } = await status(session);
    expect(inSeconds(body.end_date)).toBe(before);
    expect(atStripe()).toMatchObject({ trial_end: before, cancel_at_period_end: true });
    expect(await trial()).toMatchObject({
      usedAt: expect.any(String),
      pendingEndsAt: null,
      endsAt: body.end_date,
    });
    expect(inSeconds((await status(session)).body.end_date)).toBe(before);
  });

  /** The session of a former customer with a card, for whom a stranger started a trial five days ago. */
  async function trialOfFormerCustomer(): Promise<Tokens> {
    const paid = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    nest.stripe.cancelSubscription(paid.id);
    await nest.deliverEvents();
    return strangersTrial();
  }
  const newest = () => nest.stripe.subscriptions().at(-1);

  test("moves the end that Nest scheduled because the customer has a card, without a charge", async () => {
    const session = await trialOfFormerCustomer();
    const { body } = await status(session);
    const end = await fullEnd();
    expect(inSeconds(body.end_date)).toBe(end);
    expect(body).toMatchObject({ status: "trialing", cancel_type: "period_end", cancel_at: body.end_date });
    expect(newest()).toMatchObject({ status: "trialing", trial_end: end, cancel_at: end });
    await nest.deliverEvents();
    expect((await status(session)).body).toMatchObject({ end_date: body.end_date, cancel_at: body.end_date });
    expect(await trial()).toMatchObject({ pendingEndsAt: null, endsAt: body.end_date });
    await nest.passTime(13 * DAY);
    expect((await status(await nest.signIn(ADA))).body.status).toBe("trialing");
    await nest.passTime(2 * DAY);
    expect((await status(await nest.signIn(ADA))).body.code).toBe("no_active_subscription");
    expect(nest.stripe.events().filter(({ type }) => type === "payment_intent.succeeded")).toHaveLength(1);
  });

  test("keeps the moved end that Nest had scheduled while Stripe fails, also when an event arrives, and sends it later", async () => {
    const session = await trialOfFormerCustomer();
    const before = newest()?.trial_end;
    nest.stripe.fault({ calls: 20, kind: "error", on: `POST /v1/subscriptions/${newest()?.id}` });
    const { body } = await status(session);
    const end = await fullEnd();
    expect(inSeconds(body.end_date)).toBe(end);
    nest.stripe.updateSubscription(String(newest()?.id), { description: "changed" });
    await nest.deliverEvents();
    const { body: later } = await status(session);
    expect(later).toMatchObject({ end_date: body.end_date, cancel_at: body.end_date });
    expect(newest()?.trial_end).toBe(before);
    nest.stripe.fault({ calls: 0, kind: "error" });
    expect((await status(session)).body.end_date).toBe(body.end_date);
    expect(newest()).toMatchObject({ trial_end: end, cancel_at: end });
  });

  test("does not move an end that Nest had scheduled after the owner resumed and canceled the trial", async () => {
    const session = await trialOfFormerCustomer();
    const before = newest()?.trial_end;
    nest.stripe.updateSubscription(String(newest()?.id), { cancel_at_period_end: false });
    nest.stripe.cancelSubscription(String(newest()?.id), { isAtPeriodEnd: true });
    // Before and after its events have arrived.
    expect(inSeconds((await status(session)).body.end_date)).toBe(before);
    await nest.deliverEvents();
    expect(inSeconds((await status(session)).body.end_date)).toBe(before);
    expect(newest()?.trial_end).toBe(before);
  });

  /** The session of somebody who first used a trial 120 s before its end, while Stripe failed. */
  async function usedLate(): Promise<{ session: Tokens; end: number }> {
    expect(await ask("stranger")).toBe(204);
    await nest.deliverEvents();
    await nest.passTime(14 * DAY - 120);
    const session = await nest.signIn(ADA);
    nest.stripe.fault({ calls: 20, kind: "error", on: `POST /v1/subscriptions/${atStripe()?.id}` });
    const { body } = await status(session);
    const end = await fullEnd();
    expect(inSeconds(body.end_date)).toBe(end);
    expect(nest.logged("trial_extension_failed")).not.toEqual([]);
    return { session, end };
  }

  test.each(["event", "status call"] as const)(
    "lets the trial start again until its moved end if Stripe ended it before the end was moved, as its %s shows",
    async (finder) => {
      const { session, end } = await usedLate();
      nest.clock.advance(5 * 60);
      nest.stripe.advance(0);
      nest.stripe.clear();
      expect(atStripe()).toMatchObject({ status: "canceled" });
      if (finder === "event") await nest.deliverEvents();
      expect((await status(session)).body.code).toBe("no_active_subscription");
      expect(await ask("stranger")).toBe(204);
      await nest.deliverEvents();
      const again = await status(await nest.signIn(ADA));
      expect(again.body).toMatchObject({ status: "trialing" });
      expect(inSeconds(again.body.end_date)).toBe(end);
      expect(nest.stripe.subscriptions().map(({ trial_end }) => trial_end)).toContain(end);
      await nest.passTime(14 * DAY);
      expect(await ask("stranger")).toBe("trial_already_used");
      expect(nest.stripe.subscriptions()).toHaveLength(2);
    },
    30_000,
  );

  test("does not let the trial start again if its owner canceled it while its end was pending", async () => {
    await usedLate();
    nest.stripe.cancelSubscription(atStripe()?.id as string);
    await nest.deliverEvents();
    expect(await trial()).toMatchObject({ pendingEndsAt: null });
    expect(await ask("stranger")).toBe("trial_already_used");
  });

  test("keeps the moved end of a trial that a purchase displaced while its end was pending", async () => {
    const { end } = await usedLate();
    const trialId = atStripe()?.id as string;
    const bought = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    nest.stripe.clear();
    nest.clock.advance(DAY);
    expect(nest.stripe.subscriptions().find(({ id }) => id === trialId)).toMatchObject({
      status: "canceled",
    });
    nest.stripe.cancelSubscription(bought.id);
    await nest.deliverEvents();
    expect(await ask("stranger")).toBe(204);
    expect(nest.stripe.subscriptions().at(-1)).toMatchObject({ status: "trialing", trial_end: end });
  });

  test("reports no subscription when Stripe ended the trial before its first use", async () => {
    const session = await strangersTrial();
    nest.stripe.cancelSubscription(atStripe()?.id as string);
    expect((await status(session)).body.code).toBe("no_active_subscription");
    expect(await record()).toMatchObject({ status: "canceled" });
  });

  test("mails no reminder for a trial that nobody used", async () => {
    await ask("stranger");
    await nest.deliverEvents();
    await nest.passTime(12 * DAY);
    expect(nest.mailSubjects().filter((subject) => /end/i.test(subject))).toEqual([]);
  });
});

describe("a trial that a device unknown to the address claimed", () => {
  test("grants nothing to older sessions until one of its links is redeemed", async () => {
    const older = await nest.signIn(ADA, { device: deviceOf("ada") });
    nest.clock.advance(60);
    expect(await ask("stranger")).toBe(204);
    await nest.deliverEvents();
    expect((await status(older)).body.code).toBe("no_active_subscription");
    expect(await heartbeat(older)).toBe(402);
    expect(await trial()).toMatchObject({ usedAt: null });
    const mail = nest.lastMail();
    expect(await ask("stranger")).toBe(204);
    expect(mail).toBeDefined();
    await redeem();
    expect(await heartbeat(older)).toBe(204);
    expect((await status(older)).body.status).toBe("trialing");
  });

  test("grants access to a session that began after the claim", async () => {
    await ask("stranger");
    nest.clock.advance(60);
    const newer = await nest.signIn(ADA);
    expect((await status(newer)).body.status).toBe("trialing");
  });

  test("grants access to older sessions once a known device asks for it too", async () => {
    const older = await nest.signIn(ADA, { device: deviceOf("ada") });
    nest.clock.advance(60);
    await ask("stranger");
    expect((await status(older)).body.code).toBe("no_active_subscription");
    expect(await ask()).toBe(204);
    expect((await status(older)).body.status).toBe("trialing");
  });
});

describe("a claim for an address with a subscription whose record is outdated", () => {
  const outdated = async (status: string, endsAt: string) => {
    const bought = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    const set = { status, endsAt };
    await nest.collection("subscriptions").updateOne({ stpSubscriptionId: bought.id }, { $set: set });
    return bought.id;
  };
  const LONG_AGO = "2020-01-01T00:00:00.000Z";

  test.each(["active", "incomplete", "trialing"])(
    "is refused if Stripe shows a paid subscription where the record says %s",
    async (known) => {
      const id = await outdated(known, LONG_AGO);
      await nest
        .collection("subscriptions")
        .updateOne({ stpSubscriptionId: id }, { $set: { stpCreatedAt: LONG_AGO } });
      expect(await ask("stranger")).toBe("already_subscribed");
      expect(nest.stripe.subscriptions()).toHaveLength(1);
      expect(await nest.collection("trials").countDocuments()).toBe(0);
      expect(await nest.collection("subscriptions").findOne({ stpSubscriptionId: id })).toMatchObject({
        status: "active",
        endsAt: expect.not.stringContaining("2020"),
      });
    },
  );

  /** A subscription that was paid for months. Then its card failed, and no webhook about that arrived. */
  const notRenewed = async () => {
    const { id, customer } = nest.stripe.createSubscription({ email: ADA, card: { declines: false } });
    await nest.deliverEvents();
    await nest.passTime(62 * DAY);
    nest.stripe.attachCard(customer, { declines: true });
    nest.clock.advance(33 * DAY);
    nest.stripe.advance(0);
    const record = () => nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
    expect(await record()).toMatchObject({ status: "active" });
    expect(Date.parse(String((await record())?.endsAt))).toBeLessThan(
      nest.clock.now().getTime() - DAY * 1000,
    );
    return { id, record };
  };
  const stripeStatus = (id: string) => nest.stripe.subscriptions().find((one) => one.id === id)?.status;

  test.each(["past_due", "unpaid"] as const)(
    "is refused if Stripe shows %s where the record says active, and cancels and refunds nothing",
    async (owed) => {
      const { id, record } = await notRenewed();
      if (owed === "unpaid") nest.stripe.updateSubscription(id, { status: owed });
      expect(stripeStatus(id)).toBe(owed);
      expect(await ask("stranger")).toBe("already_subscribed");
      expect(await record()).toMatchObject({ status: owed, rejectedAt: null });
      await nest.deliverEvents();
      expect(nest.stripe.subscriptions()).toHaveLength(1);
      expect(stripeStatus(id)).toBe(owed);
      expect(nest.stripe.refunds()).toEqual([]);
      expect(await nest.collection("trials").countDocuments()).toBe(0);
    },
  );

  test("is granted if Stripe shows canceled where the record says active, and refunds nothing", async () => {
    const { id } = await notRenewed();
    nest.stripe.cancelSubscription(id);
    expect(await ask("stranger")).toBe(204);
    await nest.deliverEvents();
    expect(nest.stripe.subscriptions().map(({ status }) => status)).toEqual(["canceled", "trialing"]);
    expect(nest.stripe.refunds()).toEqual([]);
  });

  test("is granted if Stripe has ended the subscription", async () => {
    const id = await outdated("active", LONG_AGO);
    nest.stripe.cancelSubscription(id);
    expect(await ask()).toBe(204);
  });

  test("fails within its time limit while Stripe does not respond", async () => {
    const id = await outdated("active", LONG_AGO);
    nest.stripe.fault({ calls: 5, kind: "hang", on: `GET /v1/subscriptions/${id}` });
    expect(["stripe_error", "unavailable"]).toContain(await ask());
    expect(await nest.collection("trials").countDocuments()).toBe(0);
  });
});
