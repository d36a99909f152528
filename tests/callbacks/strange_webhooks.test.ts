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

  test("returns customer_email_missing for an address that cannot receive mail", async () => {
    const { id } = nest.stripe.createSubscription({ email: "ada@exa_mple.com" });
    const reply = await nest.webhook(created(id));
    expect({ status: reply.status, code: reply.body.code }).toEqual({
      status: 422,
      code: "customer_email_missing",
    });
    expect(await stored()).toEqual([]);
    expect(await nest.collection("users").countDocuments()).toBe(0);
  });

  test("ignores a subscription that Stripe does not have, and an event without an object", async () => {
    const ghost = nest.stripe.emit("customer.subscription.created", {
      id: "sub_ghost",
      object: "subscription",
    });
    expect((await nest.webhook(ghost)).status).toBe(200);
    expect(await row(ghost.id)).toMatchObject({ status: "ignored", reason: "no_such_subscription" });
    const { id } = nest.stripe.createSubscription({ email: ADA });
    for (const [n, data] of [undefined, null, {}, { object: null }, { object: { id: 7 } }].entries()) {
      const event = { ...created(id), id: `evt_empty${n}`, data };
      expect((await expectInvalidTraffic(() => nest.webhook(event))).status).toBe(200);
      expect(await row(event.id)).toMatchObject({ status: "ignored", reason: "no_object" });
    }
    expect(await stored()).toEqual([]);
  });
});
