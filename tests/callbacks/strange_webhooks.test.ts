import Stripe from "stripe";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toAcaciaEvent } from "#stripe_double/acacia_events.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { expectInvalidTraffic } from "#tests/support/stripe_traffic_check.ts";

const WEBHOOK = "/1/webhook/stripe";
const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const created = (id: string) => nest.eventOf("customer.subscription.created", id);
const stored = () => nest.collection("subscriptions").find().toArray();
const row = (id: string) => nest.collection("stripe-events").findOne({ _id: id });
const deleteCustomer = (id: string) =>
  fetch(`${nest.stripe.url}/v1/customers/${id}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${nest.stripe.secretKey}` },
  });

describe("unusual webhooks", () => {
  test("refuses future timestamps, bodies over 1 MiB and signed payloads that are not events", async () => {
    const { body, header } = await expectInvalidTraffic(async () =>
      nest.stripe.signedEvent({ id: "evt_1", type: "x", created: 1 }),
    );
    nest.clock.advance(-400);
    const early = await nest.call(WEBHOOK, body, { headers: { "stripe-signature": header } });
    expect(early.body.code).toBe("invalid_webhook_payload");
    nest.clock.advance(400);
    const large = await nest.call(WEBHOOK, "x".repeat(2 * 1024 * 1024), {
      headers: { "stripe-signature": header },
    });
    expect({ status: large.status, code: large.body.code }).toEqual({ status: 413, code: "body_too_large" });
    for (const shape of [
      {},
      [],
      { id: "evt_1" },
      { id: 5, type: "x", created: 1 },
      { id: "evt_$", type: "x", created: 1 },
    ]) {
      const reply = await expectInvalidTraffic(() => nest.webhook(shape));
      expect(reply.body.code).toBe("invalid_webhook_payload");
    }
  });

  test("refuses every signature when the SDK's verifier is missing or returns nothing", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    const webhooks = Stripe.webhooks as { signature?: unknown };
    const { signature } = webhooks;
    try {
      for (const verifier of [undefined, null, { verifyHeader: () => undefined }]) {
        webhooks.signature = verifier;
        expect((await nest.webhook(created(id))).body.code).toBe("invalid_webhook_payload");
      }
    } finally {
      webhooks.signature = signature;
    }
    expect(await stored()).toEqual([]);
  });

  test("accepts a base64 body, several signatures and either of two secrets", async () => {
    const other = await startNest({
      beside: nest,
      environment: { STRIPE_WEBHOOK_SECRETS: `whsec_new, ${nest.stripe.webhookSecret}` },
    });
    const { body, header } = await expectInvalidTraffic(async () =>
      nest.stripe.signedEvent({ id: "evt_a", type: "x", created: 1 }),
    );
    const doubly = header.replace("v1=", `v1=${"0".repeat(64)},v1=`);
    const reply = await other.call(WEBHOOK, Buffer.from(body), {
      headers: { "stripe-signature": doubly, "content-type": "application/octet-stream" },
    });
    expect({ status: reply.status, body: reply.body }).toEqual({ status: 200, body: { received: true } });
    await other.stop();
  });

  test("fails an event whose mode differs from the secret key's, until the key is corrected", async () => {
    const other = await startNest({ beside: nest, environment: { STRIPE_SECRET_KEY: "sk_live_double" } });
    const { id } = nest.stripe.createSubscription({ email: ADA });
    const reply = await other.webhook(created(id));
    expect({ status: reply.status, code: reply.body.code }).toEqual({ status: 502, code: "stripe_error" });
    expect(await row(created(id).id)).toMatchObject({ status: "failed" });
    expect((await nest.webhook({ ...created(id), livemode: true })).body.code).toBe("stripe_error");
    expect((await nest.webhook(created(id))).status).toBe(200);
    expect(await stored()).toHaveLength(1);
    await other.stop();
  });

  test("fails an event whose subscription is of another mode than the secret key", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    nest.stripe.updateSubscription(id, { fields: { livemode: true } });
    expect((await nest.webhook(created(id))).body.code).toBe("stripe_error");
    expect(await stored()).toEqual([]);
  });

  test("ends a subscription whose deletion arrives before Stripe's API shows it, at the next delivery", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    const deleted = { ...created(id), id: "evt_deleted", type: "customer.subscription.deleted" };
    const early = await nest.webhook(deleted);
    expect({ status: early.status, code: early.body.code }).toEqual({
      status: 409,
      code: "subscription_not_ready",
    });
    expect(await stored()).toMatchObject([{ status: "active" }]);
    nest.stripe.cancelSubscription(id);
    expect((await nest.webhook(deleted)).status).toBe(200);
    expect(await stored()).toMatchObject([{ status: "canceled" }]);
  });

  test("ignores an old deletion of a subscription that Stripe's API shows as active", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    const deleted = { ...created(id), id: "evt_deleted", type: "customer.subscription.deleted" };
    nest.clock.advance(2 * 3600);
    expect((await nest.webhook(deleted)).status).toBe(200);
    expect(await row("evt_deleted")).toMatchObject({ status: "ignored", reason: "not_ended" });
  });

  test("ignores subscriptions of other products", async () => {
    const other = await startNest({ beside: nest, environment: { STRIPE_PRODUCT_IDS: "prod_else" } });
    const { id } = nest.stripe.createSubscription({ email: ADA });
    expect((await other.webhook(created(id))).status).toBe(200);
    expect(await row(created(id).id)).toMatchObject({ status: "ignored", reason: "other_product" });
    expect(await stored()).toEqual([]);
    await other.stop();
  });

  test("accepts an event of an older API version, since its object is read again", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    const reply = await expectInvalidTraffic(() => nest.webhook(toAcaciaEvent(created(id))));
    expect(reply.status).toBe(200);
    expect((await stored())[0]).toMatchObject({ stpSubscriptionId: id, status: "active" });
    expect(nest.logged("stripe_api_version")).toHaveLength(1);
  });

  test("accepts a subscription without items", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    await nest.webhook(created(id));
    nest.stripe.updateSubscription(id, {
      fields: { items: { object: "list", data: [], has_more: false, url: "" } },
    });
    const answers = await nest.deliverEvents();
    expect(answers.every(([, code]) => code === 200)).toBe(true);
  });

  test("accepts an event of a newer API version, and logs a warning", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    const newer = { ...created(id), api_version: "2027-03-31.fern", new_field: { deep: [1] } };
    expect((await expectInvalidTraffic(() => nest.webhook(newer))).status).toBe(200);
    expect(await stored()).toMatchObject([{ stpSubscriptionId: id }]);
    expect(nest.logged("stripe_api_version")).toMatchObject([{ api_version: "2027-03-31.fern" }]);
  });

  test("stores our product and its period when an item of another product has a longer period", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    const [subscription] = nest.stripe.subscriptions();
    const [item] = subscription?.items.data ?? [];
    const end = item?.current_period_end ?? 0;
    const other = {
      ...item,
      id: "si_other",
      price: { ...item?.price, product: "prod_other" },
      current_period_end: end + 335 * 86_400,
    };
    const items = { ...subscription?.items, data: [other, item] };
    nest.stripe.updateSubscription(id, { fields: { items } });
    expect((await nest.webhook(created(id))).status).toBe(200);
    expect(await stored()).toMatchObject([
      { stpProductId: "prod_beak", endsAt: new Date(end * 1000).toISOString() },
    ]);
  });

  test("ignores an ended subscription of a deleted unmapped customer, and updates that of a mapped one", async () => {
    const unmapped = nest.stripe.createSubscription({ email: ADA });
    nest.stripe.updateSubscription(unmapped.id, { metadata: { keep: "me" } });
    await deleteCustomer(unmapped.customer);
    // Stripe cancels the subscriptions of a deleted customer. An earlier event still arrives.
    expect((await nest.webhook(created(unmapped.id))).status).toBe(200);
    expect(await row(created(unmapped.id).id)).toMatchObject({ status: "ignored", reason: "ended" });

    const mapped = nest.stripe.createSubscription({ email: "bob@example.com" });
    await nest.webhook(created(mapped.id));
    await deleteCustomer(mapped.customer);
    expect((await nest.deliverEvents()).every(([, status]) => status === 200)).toBe(true);
    expect(await stored()).toMatchObject([{ stpSubscriptionId: mapped.id, status: "canceled" }]);
  });

  test("stores the event of a buyer whose address can't be used as failed, answers 200 and raises an alarm", async () => {
    for (const email of ["ada@exa_mple.com", "user..name@example.com", "user.name.@example.com"]) {
      const { id } = nest.stripe.createSubscription({ email });
      expect((await nest.webhook(created(id))).status).toBe(200);
      expect(await row(created(id).id)).toMatchObject({ status: "failed", reason: "unusable_address" });
      expect(nest.logged("unusable_address").at(-1)).toMatchObject({
        ...{ level: "error", alarm: true, subscription_id: id },
      });
    }
    expect(nest.logLines.join()).not.toContain("example.com");
    expect(await stored()).toEqual([]);
    expect(await nest.collection("users").countDocuments()).toBe(0);
  });

  test("stores a subscription whose event arrives before Stripe's API knows it, at the next delivery", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    nest.stripe.fault({ calls: 1, kind: "missing", on: "GET /v1/subscriptions" });
    const early = await nest.webhook(created(id));
    expect({ status: early.status, code: early.body.code }).toEqual({
      status: 409,
      code: "subscription_not_ready",
    });
    expect(await row(created(id).id)).toMatchObject({ status: "failed", reason: "subscription_not_ready" });
    expect((await nest.webhook(created(id))).status).toBe(200);
    expect(await stored()).toMatchObject([{ stpSubscriptionId: id, status: "active" }]);
    expect(nest.mailSubjects()).toEqual(["Welcome to Beak!"]);
  });

  test("records a dispute whose event arrives before Stripe's API knows it, at the next delivery", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    nest.stripe.dispute(id);
    nest.stripe.fault({ calls: 1, kind: "missing", on: "GET /v1/disputes" });
    const event = nest.eventOf("charge.dispute.created");
    expect((await nest.webhook(event)).body.code).toBe("subscription_not_ready");
    expect((await nest.webhook(event)).status).toBe(200);
    expect(await stored()).toMatchObject([{ disputeStatus: "needs_response" }]);
  });

  test("records a failed refund whose event arrives before Nest recorded the refund, at the next delivery", async () => {
    nest.stripe.createSubscription({ email: ADA });
    nest.clock.advance(5);
    const { id } = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    const [refund] = nest.stripe.refunds();
    nest.stripe.failRefund(refund?.id ?? "", "declined");
    const event = nest.eventOf("refund.failed");
    const path = `returns.${refund?.payment_intent}.id`;
    const record = (value: string | null) =>
      nest.collection("subscriptions").updateOne({ stpSubscriptionId: id }, { $set: { [path]: value } });
    await record(null);
    expect((await nest.webhook(event)).body.code).toBe("subscription_not_ready");
    await record(refund?.id ?? "");
    expect((await nest.webhook(event)).status).toBe(200);
    expect(nest.logged("refund_failed")).toMatchObject([{ alarm: true, subscription_id: id }]);
  });

  test("processes a payment whose event arrives before Stripe's API knows it, at the next delivery", async () => {
    nest.stripe.createSubscription({ email: ADA });
    nest.clock.advance(5);
    const second = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    const paid = nest.stripe
      .events()
      .findLast(
        ({ type, data }) =>
          type === "payment_intent.succeeded" &&
          (data.object as { customer?: string }).customer === second.customer,
      );
    const again = { ...paid, id: "evt_again" };
    nest.stripe.fault({ calls: 1, kind: "missing", on: "GET /v1/invoice_payments" });
    expect((await nest.webhook(again)).body.code).toBe("subscription_not_ready");
    expect((await nest.webhook(again)).status).toBe(200);
  });

  test.each([
    ["customer.subscription.created", "subscription", "sub_ghost", "no_such_subscription"],
    ["customer.subscription.updated", "subscription", "sub_ghost", "no_such_subscription"],
    ["charge.dispute.created", "dispute", "dp_ghost", "no_such_dispute"],
    ["refund.updated", "refund", "re_ghost", "no_such_refund"],
  ])(
    "ignores a %s about an object that Stripe does not have, once the event is an hour old",
    async (type, object, id, reason) => {
      const ghost = nest.stripe.emit(type, { id, object });
      expect((await nest.webhook(ghost)).body.code).toBe("subscription_not_ready");
      nest.clock.advance(59 * 60);
      expect((await nest.webhook(ghost)).body.code).toBe("subscription_not_ready");
      nest.clock.advance(2 * 60);
      expect((await nest.webhook(ghost)).status).toBe(200);
      expect(await row(ghost.id)).toMatchObject({ status: "ignored", reason });
    },
  );

  test("records a thin event as ignored, with the fix as its reason", async () => {
    const thin = (id: string, type: string, related_object: object | null) => ({
      ...{ id, object: "v2.core.event", type, livemode: false, created: nest.clock.now().toISOString() },
      ...{ context: null, related_object },
    });
    const { id } = nest.stripe.createSubscription({ email: ADA });
    const events = [
      thin("evt_65RCjj16RlQzXyLVJ4N", "v1.billing.meter.error_report_triggered", {
        id: "mtr_1",
        type: "billing.meter",
      }),
      thin("evt_test_65RCjj16RlQzXyLVJ4N", "v1.customer.subscription.created", { id, type: "subscription" }),
      thin("evt_ping", "v2.core.event_destination.ping", null),
    ];
    for (const event of events) {
      expect((await nest.webhook(event)).status).toBe(200);
      expect(await row(event.id)).toMatchObject({
        ...{ type: event.type, createdAt: event.created, status: "ignored" },
        reason: "thin_event_create_endpoint_with_stripe_setup",
      });
    }
    expect(nest.logged("stripe_thin_event")).toHaveLength(3);
    expect(await stored()).toEqual([]);
    for (const created of [undefined, 7, "yesterday"]) {
      const broken = { ...thin("evt_broken", "v1.x", null), created };
      expect((await nest.webhook(broken)).body.code).toBe("invalid_webhook_payload");
    }
  });

  test.each(["paused", "resumed"] as const)(
    "processes customer.subscription.%s as an update",
    async (action) => {
      const { id } = nest.stripe.createSubscription({ email: ADA });
      await nest.deliverEvents();
      const [current] = nest.stripe.subscriptions();
      nest.stripe.updateSubscription(id, { fields: { status: "paused" } });
      const event = nest.stripe.emit(`customer.subscription.${action}`, { ...current });
      expect((await nest.webhook(event)).status).toBe(200);
      expect(await row(event.id)).toMatchObject({ status: "done" });
      expect(await stored()).toMatchObject([{ status: "paused" }]);
    },
  );

  test("ignores an event without an object", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    for (const [n, data] of [undefined, null, {}, { object: null }, { object: { id: 7 } }].entries()) {
      const event = { ...created(id), id: `evt_empty${n}`, data };
      expect((await expectInvalidTraffic(() => nest.webhook(event))).status).toBe(200);
      expect(await row(event.id)).toMatchObject({ status: "ignored", reason: "no_object" });
    }
    expect(await stored()).toEqual([]);
  });
});
