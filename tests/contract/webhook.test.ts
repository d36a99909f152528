import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DoubleEvent } from "#stripe_double/types.ts";
import { BUSY_MACHINE, startNest, type TestNest } from "#tests/support/nest.ts";

const WEBHOOK = "/1/webhook/stripe";
const ADA = "Ada@Example.com";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
});
afterEach(() => nest.stop());

const created = (id?: string) => nest.eventOf("customer.subscription.created", id);
const stored = () => nest.collection("subscriptions").find().sort({ createdAt: 1 }).toArray();
const row = (id: string) => nest.collection("stripe-events").findOne({ _id: id });
const status = async (address = ADA) => {
  const identifierValue = address.toLowerCase();
  const identifier = await nest.collection("identifiers").findOne({ identifierValue });
  return nest.subscriptionStatus(identifier?.userId ?? "user_none");
};

describe("contract J, webhook", () => {
  test("J58: a missing body, an invalid signature and an unknown provider each have their own error code", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    const { body, header } = nest.stripe.signedEvent(created(id));
    const post = (content: unknown, signature?: string) =>
      nest.call(WEBHOOK, content, { headers: signature ? { "stripe-signature": signature } : {} });
    expect((await post(undefined, header)).body.code).toBe("missing_webhook_body");
    const wrong: [string, unknown, string | undefined][] = [
      ["missing", body, undefined],
      ["junk", body, "junk"],
      ["another body", body.replace("created", "deleted"), header],
      ["re-serialized", JSON.stringify(JSON.parse(body), null, 1), header],
      ["another secret", body, header.replace(/v1=../, "v1=00")],
      ["only v0", body, header.replace("v1=", "v0=")],
    ];
    for (const [name, content, signature] of wrong) {
      expect((await post(content, signature)).body.code, name).toBe("invalid_webhook_payload");
    }
    nest.clock.advance(360);
    expect((await post(body, header)).body.code).toBe("invalid_webhook_payload");
    expect((await nest.call("/1/webhook/paypal", body)).body.code).toBe("unknown_webhook_provider");
    expect(await nest.collection("stripe-events").countDocuments()).toBe(0);
  });

  test("J59: records payment events and unknown events with 200, without a call to Stripe", async () => {
    nest.stripe.clear();
    const names = ["created", "processing", "succeeded", "payment_failed", "canceled"];
    const types = [...names.map((name) => `payment_intent.${name}`), "invoice.paid"];
    for (const type of [...types, "invoice.voided", "some.thing"]) {
      const event = nest.stripe.emit(type, { id: "pi_1", object: "payment_intent", customer: "cus_1" });
      const reply = await nest.webhook(event);
      expect({ status: reply.status, body: reply.body }, type).toEqual({
        status: 200,
        body: { received: true },
      });
      expect(await row(event.id)).toMatchObject({
        type,
        objectId: "pi_1",
        ...(types.includes(type) ? { status: "done" } : { status: "ignored", reason: "unknown_type" }),
      });
    }
    expect(nest.stripe.requests).toEqual([]);
    expect(nest.logged("payment_intent").find(({ outcome }) => outcome === "payment_failed")?.level).toBe(
      "warn",
    );
  });

  test("J60: stores user, mapping and subscription of a new trial, and sends the welcome", async () => {
    const made = nest.stripe.createSubscription({ email: ADA, trialDays: 14 });
    expect((await nest.webhook(created())).status).toBe(200);
    const [subscription] = await stored();
    expect(subscription).toMatchObject({
      stpSubscriptionId: made.id,
      stpCustomerId: made.customer,
      stpProductId: "prod_beak",
      status: "trialing",
      cancelAt: null,
      cancelType: null,
      cancelledAt: null,
      updatedAt: null,
    });
    expect(subscription?._id).toMatch(/^sub_[0-9A-Za-z]{27}$/);
    const mapping = await nest.collection("provider-mappings").findOne({ providerValue: made.customer });
    expect(mapping).toMatchObject({ userId: subscription?.userId, providerType: "stripe", removedAt: null });
    const identifier = await nest.collection("identifiers").findOne({ identifierValue: "ada@example.com" });
    expect(identifier).toMatchObject({ userId: subscription?.userId, verifiedAt: null });
    expect(nest.ses.inbox).toMatchObject([
      { to: ADA.replace("E", "e"), subject: "Your Beak Trial has begun!" },
    ]);
    expect(await status()).toBe("trialing");
    const { user_id } = await nest.signIn(ADA);
    expect(user_id).toBe(subscription?.userId);
  });

  test("J61: changes nothing when the same event is delivered again or at the same time", async () => {
    nest.stripe.createSubscription({ email: ADA });
    const at_once = await Promise.all(Array.from({ length: 10 }, () => nest.webhook(created())));
    expect(at_once.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    for (const reply of at_once) expect([200, 503]).toContain(reply.status);
    expect((await nest.webhook(created())).status).toBe(200);
    expect(await stored()).toHaveLength(1);
    expect(nest.mailSubjects()).toEqual(["Welcome to Beak!"]);
    expect(await nest.collection("stripe-events").countDocuments()).toBe(1);
  });

  test("J62: sends the welcome of an active subscription, and cancels a subscription without the required promotion code", async () => {
    const gated = await startNest({
      beside: nest,
      environment: { REQUIRED_PROMOTION_CODE_ID: "promo_test" },
    });
    nest.stripe.createPromotionCode({ id: "promo_test", code: "TEST" });
    const without = nest.stripe.createSubscription({ email: "without@example.com" });
    expect((await gated.webhook(created(without.id))).status).toBe(200);
    expect(await stored()).toEqual([]);
    expect(nest.stripe.requests.at(-1)).toMatchObject({
      method: "DELETE",
      path: `/v1/subscriptions/${without.id}`,
      params: { invoice_now: "true" },
    });
    expect(await nest.collection("users").countDocuments()).toBe(0);
    const withCode = nest.stripe.createSubscription({ email: ADA, promotionCode: "promo_test" });
    expect((await gated.webhook(created(withCode.id))).status).toBe(200);
    const trial = nest.stripe.createSubscription({ email: "trial@example.com", trialDays: 14 });
    expect((await gated.webhook(created(trial.id))).status).toBe(200);
    expect((await stored()).map(({ stpSubscriptionId }) => stpSubscriptionId)).toEqual([
      withCode.id,
      trial.id,
    ]);
    expect(nest.mailSubjects()).toEqual(["Welcome to Beak!", "Your Beak Trial has begun!"]);
    await gated.stop();
  });

  test.each(["in order", "reversed"])(
    "J63: keeps the older of two subscriptions bought at once, cancels and refunds the other, and sends one mail (%s)",
    async (order) => {
      const first = nest.stripe.createSubscription({ email: ADA });
      nest.clock.advance(5);
      const second = nest.stripe.createSubscription({ email: ADA });
      const events = [created(first.id), created(second.id)];
      for (const event of order === "in order" ? events : events.reverse()) {
        expect((await nest.webhook(event)).status).toBe(200);
      }
      await nest.deliverEvents();
      const byId = Object.fromEntries(nest.stripe.subscriptions().map(({ id, status }) => [id, status]));
      expect(byId).toEqual({ [first.id]: "active", [second.id]: "canceled" });
      const deletion = nest.stripe.requests.find(({ method }) => method === "DELETE");
      expect(deletion).toMatchObject({
        path: `/v1/subscriptions/${second.id}`,
        params: { prorate: "false", invoice_now: "false" },
      });
      expect(nest.stripe.refunds()).toMatchObject([{ amount: 499, status: "succeeded" }]);
      expect(nest.mailSubjects().filter((subject) => subject === "Duplicate Beak Subscription")).toHaveLength(
        1,
      );
      expect(await status()).toBe("active");
    },
  );

  test("keeps the older of two subscriptions whose events arrive at the same time", async () => {
    for (let round = 0; round < 10; round++) {
      const email = `race${round}@example.com`;
      const first = nest.stripe.createSubscription({ email });
      nest.clock.advance(5);
      const second = nest.stripe.createSubscription({ email });
      const post = async (event: DoubleEvent) => {
        for (let tries = 0; tries < 10; tries++) if ((await nest.webhook(event)).status === 200) return;
        throw new Error("never done");
      };
      await Promise.all([post(created(first.id)), post(created(second.id))]);
      const byId = Object.fromEntries(nest.stripe.subscriptions().map(({ id, status }) => [id, status]));
      expect([byId[first.id], byId[second.id]]).toEqual(["active", "canceled"]);
      expect(await status(email)).toBe("active");
    }
    expect(nest.stripe.refunds()).toHaveLength(10);
    expect(nest.mailSubjects().filter((subject) => subject === "Duplicate Beak Subscription")).toHaveLength(
      10,
    );
  });

  test("replaces a trial by a purchase without a mail and without a gap in access", async () => {
    const trial = nest.stripe.createSubscription({ email: ADA, trialDays: 14 });
    await nest.deliverEvents();
    const paid = nest.stripe.createSubscription({ email: ADA });
    for (const event of nest.stripe.events().slice(1)) {
      await nest.webhook(event);
      expect(["trialing", "active"]).toContain(await status());
    }
    await nest.deliverEvents();
    const byId = Object.fromEntries(nest.stripe.subscriptions().map(({ id, status }) => [id, status]));
    expect(byId).toEqual({ [trial.id]: "canceled", [paid.id]: "active" });
    expect(await status()).toBe("active");
    expect(nest.stripe.refunds()).toEqual([]);
    expect(nest.mailSubjects()).toEqual(["Your Beak Trial has begun!", "Welcome to Beak!"]);
  });

  test("refunds a processing payment of a rejected subscription when it succeeds", async () => {
    nest.stripe.createSubscription({ email: ADA });
    nest.clock.advance(5);
    const second = nest.stripe.createSubscription({ email: ADA, card: { processes: true } });
    await nest.deliverEvents();
    expect(nest.stripe.refunds()).toEqual([]);
    nest.stripe.settlePayment(second.id, "succeeded");
    const answers = await nest.deliverEvents();
    expect(answers.every(([, code]) => code === 200)).toBe(true);
    expect(nest.stripe.refunds()).toMatchObject([{ amount: 499 }]);
  });

  test("J64: ignores `created` of an ended subscription, and returns 422 for an unknown status or a missing address", async () => {
    const ended = nest.stripe.createSubscription({ email: ADA, status: "canceled" });
    expect((await nest.webhook(created(ended.id))).status).toBe(200);
    expect(await stored()).toEqual([]);
    const strange = nest.stripe.createSubscription({ email: ADA });
    nest.stripe.updateSubscription(strange.id, { fields: { status: "sleeping" } });
    const refused = await nest.webhook(created(strange.id));
    expect({ status: refused.status, body: refused.body }).toEqual({
      status: 422,
      body: { code: "subscription_not_valid", meta: { status: "sleeping" } },
    });
    const nobody = nest.stripe.createSubscription({ email: null });
    const missing = await nest.webhook(created(nobody.id));
    expect({ status: missing.status, code: missing.body.code }).toEqual({
      status: 422,
      code: "customer_email_missing",
    });
    expect(await row(created(nobody.id).id)).toMatchObject({
      status: "failed",
      reason: "customer_email_missing",
    });
  });

  test("J65: returns 409 for `updated` before `created`, and 200 for `deleted` before `created`", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    nest.stripe.updateSubscription(id, { cancel_at_period_end: true });
    const updated = nest.eventOf("customer.subscription.updated", id);
    const early = await nest.webhook(updated);
    expect({ status: early.status, code: early.body.code }).toEqual({
      status: 409,
      code: "subscription_not_ready",
    });
    expect((await nest.webhook(created(id))).status).toBe(200);
    expect((await nest.webhook(updated)).status).toBe(200);
    expect(await row(updated.id)).toMatchObject({ status: "done", attempt: 2 });

    const gone = nest.stripe.createSubscription({ email: "gone@example.com" });
    nest.stripe.cancelSubscription(gone.id);
    for (const type of ["deleted", "updated", "created"]) {
      const event = nest.stripe
        .events()
        .find((sent) => sent.type.endsWith(type) && (sent.data.object as { id: string }).id === gone.id);
      if (event) expect((await nest.webhook(event)).status).toBe(200);
    }
    expect(await stored()).toHaveLength(1);
  });

  test.each([
    ["cancel_at_period_end", { cancel_at_period_end: true }],
    ["the portal's cancel_at alone", { cancel_at: "max_period_end" as const }],
  ])(
    "J66: keeps access until an end scheduled by %s, and ends it at an immediate cancellation",
    async (_case, change) => {
      const { id } = nest.stripe.createSubscription({ email: ADA });
      await nest.deliverEvents();
      nest.stripe.updateSubscription(id, change);
      await nest.deliverEvents();
      const [scheduled] = await stored();
      expect(scheduled).toMatchObject({ cancelType: "period_end", status: "active" });
      expect(scheduled?.cancelAt).toBe(scheduled?.endsAt);
      expect(await status()).toBe("active");
      nest.stripe.cancelSubscription(id);
      await nest.deliverEvents();
      expect((await stored())[0]).toMatchObject({ status: "canceled", cancelType: "immediate" });
      expect(await status()).toBe("no_active_subscription");
    },
  );

  test("mails a trial's reminder once, with the last day", async () => {
    nest.stripe.createSubscription({ email: ADA, trialDays: 14 });
    await nest.deliverEvents();
    nest.clock.advance(11.5 * 86_400);
    nest.stripe.advance(0);
    const reminder = nest.eventOf("customer.subscription.trial_will_end");
    for (let copy = 0; copy < 3; copy++) expect((await nest.webhook(reminder)).status).toBe(200);
    expect(nest.mailSubjects()).toEqual(["Your Beak Trial has begun!", "Your Beak trial ends soon"]);
    expect(nest.ses.inbox.at(-1)?.text).toMatch(/ends on \w+day,? \d+ \w+ 20\d\d/);
    expect(nest.ses.inbox.at(-1)?.text).toContain("nothing is charged");
  });

  test("the reminder states whether a card will be charged", async () => {
    const { id, customer } = nest.stripe.createSubscription({ email: ADA, trialDays: 14 });
    const other = nest.stripe.createSubscription({ email: "bob@example.com", trialDays: 14 });
    for (const owner of [customer, other.customer]) nest.stripe.attachCard(owner);
    nest.stripe.cancelSubscription(other.id, { isAtPeriodEnd: true });
    await nest.deliverEvents();
    nest.clock.advance(11.5 * 86_400);
    nest.stripe.advance(0);
    for (const one of [id, other.id]) {
      expect((await nest.webhook(nest.eventOf("customer.subscription.trial_will_end", one))).status).toBe(
        200,
      );
      const { text, html } = nest.ses.inbox.at(-1) ?? {};
      for (const part of [text, html]) expect(part?.includes("nothing is charged")).toBe(one !== id);
      expect(text?.includes("the card that you added is charged")).toBe(one === id);
    }
  });

  test("never returns 2xx for a failure, and completes the work and the mail at the next delivery", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    nest.stripe.fault({ calls: 1, kind: "error" });
    expect((await nest.webhook(created(id))).body.code).toBe("stripe_error");
    nest.ses.fault({ calls: 1, kind: "error" });
    expect((await nest.webhook(created(id))).body.code).toBe("email_not_sent");
    expect(await status()).toBe("active");
    expect((await nest.webhook(created(id))).status).toBe(200);
    expect(nest.mailSubjects()).toEqual(["Welcome to Beak!"]);
    expect(await row(created(id).id)).toMatchObject({ status: "done", attempt: 3, reason: null });
  });

  test("keeps the lease of an event for a minute after its process died, then processes it again", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    await nest.webhook(created(id));
    const leasedUntil = new Date(nest.clock.now().getTime() + 60_000).toISOString();
    await nest
      .collection("stripe-events")
      .updateOne({ _id: created(id).id }, { $set: { status: "processing", leasedUntil } });
    const leased = await nest.webhook(created(id));
    expect([leased.status, leased.body.code, leased.headers["retry-after"]]).toEqual([
      503,
      "unavailable",
      "60",
    ]);
    nest.clock.advance(61);
    expect((await nest.webhook(created(id))).status).toBe(200);
  });
});
