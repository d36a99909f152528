/**
 * The behavior of Stripe that Nest relies on. Runs against the double, and also against a Stripe sandbox if
 * STRIPE_CONTRACT_KEY is its secret key. Uses only the SDK, so that both run the same code.
 */
import type Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONTRACT_TARGETS, type ContractAccount } from "#tests/packages/stripe_double/contract_targets.ts";
import { errorOf } from "#tests/packages/stripe_double/double_with_sdk.ts";

const DAY = 86_400;
const HOUR = 3_600;

describe.each(CONTRACT_TARGETS)("$name", ({ open, timeoutMs }) => {
  let account: ContractAccount;
  let stripe: Stripe;
  beforeAll(async () => {
    account = await open();
    ({ stripe } = account);
  }, timeoutMs);
  afterAll(() => account?.[Symbol.asyncDispose](), timeoutMs);
  const contractTest = (name: string, work: () => Promise<void>) => test(name, work, timeoutMs);

  const unique = () => `contract-${crypto.randomUUID()}`;
  /** Creates a customer on a new test clock, optionally with one of Stripe's test cards. */
  const customerOnClock = async (card?: string) => {
    const clock = await account.startClock();
    const { id } = await stripe.customers.create({ email: "ada@example.com", test_clock: clock.id });
    if (card) await addCard(id, card);
    return { clock: clock.id, now: clock.frozen_time, customer: id };
  };
  const addCard = async (customer: string, card: string) => {
    const { id } = await stripe.paymentMethods.attach(card, { customer });
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
  };
  const subscribe = (customer: string, more: Partial<Stripe.SubscriptionCreateParams> = {}) =>
    stripe.subscriptions.create({ customer, items: [{ price: account.price }], ...more });
  const eventAbout = (type: string, id: string) =>
    account.until(`${type} about ${id}`, async () => {
      const { data } = await stripe.events.list({ type, limit: 100 });
      return data.find((event) => (event.data.object as { id?: string }).id === id);
    });

  describe("errors", () => {
    contractTest("rejects another secret key with an authentication error", async () => {
      const other = await errorOf(stripe.customers.list({}, { apiKey: "sk_test_nobody" }));
      expect(other).toMatchObject({ type: "StripeAuthenticationError", statusCode: 401 });
    });

    contractTest(
      "returns resource_missing for an unknown id: 404 in the path, 400 in a parameter",
      async () => {
        expect(await errorOf(stripe.subscriptions.retrieve("sub_nowhere"))).toMatchObject({
          type: "StripeInvalidRequestError",
          statusCode: 404,
          code: "resource_missing",
          param: "id",
          requestId: expect.stringMatching(/^req_/),
        });
        expect(await errorOf(subscribe("cus_nowhere"))).toMatchObject({
          type: "StripeInvalidRequestError",
          statusCode: 400,
          code: "resource_missing",
          param: "customer",
        });
      },
    );

    contractTest("names a parameter that is unknown, missing or of the wrong type", async () => {
      await account.expectInvalidTraffic(async () => {
        const unknown = await errorOf(stripe.customers.create({ color: "red" } as object));
        expect(unknown).toMatchObject({ statusCode: 400, code: "parameter_unknown", param: "color" });
        const missing = await errorOf(stripe.products.create({} as Stripe.ProductCreateParams));
        expect(missing).toMatchObject({ statusCode: 400, code: "parameter_missing", param: "name" });
        const word = await errorOf(stripe.customers.list({ limit: "many" } as object));
        expect(word).toMatchObject({ statusCode: 400, code: "parameter_invalid_integer", param: "limit" });
      });
      const email = await errorOf(stripe.customers.create({ email: "nobody" }));
      expect(email).toMatchObject({ statusCode: 400, code: "email_invalid", param: "email" });
    });

    contractTest(
      "rejects a subscription without a card, and with a declined card if errors are requested",
      async () => {
        const { customer } = await customerOnClock();
        expect(await errorOf(subscribe(customer))).toMatchObject({
          statusCode: 400,
          code: "resource_missing",
        });
        await addCard(customer, "pm_card_chargeCustomerFail");
        const strict = await errorOf(subscribe(customer, { payment_behavior: "error_if_incomplete" }));
        expect(strict).toMatchObject({ type: "StripeCardError", statusCode: 402, code: "card_declined" });
        expect((await subscribe(customer, { payment_behavior: "allow_incomplete" })).status).toBe(
          "incomplete",
        );
      },
    );
  });

  describe("idempotency keys", () => {
    contractTest("replays the response for the same key and parameters, with a header", async () => {
      const { customer } = await customerOnClock("pm_card_visa");
      const idempotencyKey = unique();
      const ask = () =>
        stripe.subscriptions.create({ customer, items: [{ price: account.price }] }, { idempotencyKey });
      const first = await ask();
      const second = await ask();
      expect(second.id).toBe(first.id);
      expect(first.lastResponse.headers["idempotent-replayed"]).toBeUndefined();
      expect(second.lastResponse.headers["idempotent-replayed"]).toBe("true");
      expect((await stripe.subscriptions.list({ customer })).data).toHaveLength(1);
    });

    contractTest("rejects a key that is reused with other parameters", async () => {
      const { clock } = await customerOnClock();
      const idempotencyKey = unique();
      await stripe.customers.create({ test_clock: clock, name: "one" }, { idempotencyKey });
      const other = stripe.customers.create({ test_clock: clock, name: "two" }, { idempotencyKey });
      expect(await errorOf(other)).toMatchObject({ type: "StripeIdempotencyError", statusCode: 400 });
    });
  });

  describe("retrieving and listing", () => {
    contractTest("returns references as ids unless they are expanded, in objects and in lists", async () => {
      const { customer } = await customerOnClock("pm_card_visa");
      const { id } = await subscribe(customer);
      const plain = await stripe.subscriptions.retrieve(id);
      expect([plain.customer, typeof plain.latest_invoice]).toEqual([customer, "string"]);
      const expand = ["customer", "discounts", "latest_invoice.payments"];
      const rich = await stripe.subscriptions.retrieve(id, { expand });
      expect(rich).toMatchObject({
        customer: { id: customer, email: "ada@example.com" },
        discounts: [],
        latest_invoice: { id: plain.latest_invoice, payments: { data: [{ status: "paid" }] } },
      });
      const listed = await stripe.subscriptions.list({ customer, expand: ["data.customer"] });
      expect(listed.data).toMatchObject([{ id, customer: { id: customer } }]);
      const wrong = await errorOf(stripe.subscriptions.retrieve(id, { expand: ["color"] }));
      expect(wrong.statusCode).toBe(400);
    });

    contractTest("pages through a list forwards and backwards", async () => {
      const { clock, customer } = await customerOnClock();
      const later: string[] = [];
      for (const name of ["two", "three"]) {
        later.unshift((await stripe.customers.create({ test_clock: clock, name })).id);
      }
      const everyone = [...later, customer];
      const page = await stripe.customers.list({ test_clock: clock, limit: 2 });
      expect(page.has_more).toBe(true);
      const all = await stripe.customers
        .list({ test_clock: clock, limit: 2 })
        .autoPagingToArray({ limit: 10 });
      // Customers of the same second have no defined order.
      expect(all.map(({ id }) => id).sort()).toEqual(everyone.sort());
      const ids = all.map(({ id }) => id);
      const after = await stripe.customers.list({ test_clock: clock, starting_after: ids[0] ?? "" });
      expect(after.data.map(({ id }) => id)).toEqual(ids.slice(1));
      const before = await stripe.customers.list({ test_clock: clock, ending_before: ids[2] ?? "" });
      expect(before.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    });

    contractTest("lists customers by exact email address, without customers on test clocks", async () => {
      const email = `${unique()}@example.com`;
      const { clock } = await customerOnClock();
      await stripe.customers.create({ email, test_clock: clock });
      const { id } = await stripe.customers.create({ email });
      account.deleteLater(() => stripe.customers.del(id));
      const find = async (address: string) =>
        (await stripe.customers.list({ email: address, limit: 100 })).data.map((customer) => customer.id);
      expect(await find(email)).toEqual([id]);
      expect(await find(email.toUpperCase())).toEqual([]);
    });

    contractTest("lists events by type and retrieves them in the SDK's API version", async () => {
      const { customer } = await customerOnClock();
      const event = await eventAbout("customer.created", customer);
      expect(await stripe.events.retrieve(event.id)).toMatchObject({
        id: event.id,
        type: "customer.created",
        livemode: false,
        data: { object: { id: customer } },
      });
      const types = ["customer.created", "customer.subscription.created"];
      const listed = await stripe.events.list({ types, limit: 20, created: { gte: event.created } });
      expect(listed.data.map(({ id }) => id)).toContain(event.id);
      expect(listed.data.every(({ type }) => types.includes(type))).toBe(true);
    });

    contractTest("expands a price's product, and has its amount as a decimal", async () => {
      const price = await stripe.prices.retrieve(account.price, { expand: ["product"] });
      expect(price).toMatchObject({ unit_amount: 499, product: { id: account.product } });
      expect(price.unit_amount_decimal?.toString()).toBe("499");
    });
  });

  describe("a trial", () => {
    const trial = {
      trial_period_days: 14,
      trial_settings: { end_behavior: { missing_payment_method: "cancel" } },
      metadata: { trial_id: "trial_1" },
    } as const;

    contractTest("starts immediately without a card, and its period is the trial", async () => {
      const { customer } = await customerOnClock();
      const made = await subscribe(customer, trial);
      expect(made).toMatchObject({
        status: "trialing",
        metadata: { trial_id: "trial_1" },
        cancel_at: null,
        cancel_at_period_end: false,
        canceled_at: null,
        ended_at: null,
        trial_settings: { end_behavior: { missing_payment_method: "cancel" } },
      });
      const [item] = made.items.data;
      expect((made.trial_end ?? 0) - (made.trial_start ?? 0)).toBe(14 * DAY);
      expect({
        current_period_start: item?.current_period_start,
        current_period_end: item?.current_period_end,
      }).toEqual({ current_period_start: made.trial_start, current_period_end: made.trial_end });
      expect(item?.price.product).toBe(account.product);
    });

    contractTest(
      "is announced 3 days before its end, and is canceled at its end without a card",
      async () => {
        const { clock, now, customer } = await customerOnClock();
        const { id } = await subscribe(customer, trial);
        await account.advance(clock, now + 11 * DAY + HOUR);
        await eventAbout("customer.subscription.trial_will_end", id);
        expect((await stripe.subscriptions.retrieve(id)).status).toBe("trialing");
        await account.advance(clock, now + 14 * DAY + HOUR);
        const ended = await stripe.subscriptions.retrieve(id);
        expect(ended.status).toBe("canceled");
        expect(ended.ended_at).toBeGreaterThanOrEqual(ended.trial_end ?? Number.POSITIVE_INFINITY);
        await eventAbout("customer.subscription.deleted", id);
      },
    );

    contractTest("is announced immediately if its end is moved to within 3 days", async () => {
      const { now, customer } = await customerOnClock();
      const { id } = await subscribe(customer, trial);
      await stripe.subscriptions.update(id, { trial_end: now + 2 * DAY, proration_behavior: "none" });
      await eventAbout("customer.subscription.trial_will_end", id);
    });

    contractTest("becomes a paid subscription with a period of a month if there is a card", async () => {
      const { clock, now, customer } = await customerOnClock("pm_card_visa");
      const { id } = await subscribe(customer, trial);
      // The invoice stays a draft for an hour before it is paid.
      await account.advance(clock, now + 14 * DAY + 3 * HOUR);
      const paid = await stripe.subscriptions.retrieve(id, { expand: ["latest_invoice"] });
      expect(paid).toMatchObject({ status: "active", latest_invoice: { status: "paid", amount_paid: 499 } });
      const [item] = paid.items.data;
      const days = ((item?.current_period_end ?? 0) - (item?.current_period_start ?? 0)) / DAY;
      expect(days).toBeGreaterThanOrEqual(28);
      expect(days).toBeLessThanOrEqual(31);
    });
  });

  describe("an invoice", () => {
    contractTest("with more than 10 lines contains 10 of them, and its lines can be listed", async () => {
      const { customer } = await customerOnClock("pm_card_visa");
      const { id, items } = await subscribe(customer);
      const changeTo = (quantity: number, proration_behavior: "create_prorations" | "always_invoice") =>
        stripe.subscriptions.update(id, {
          ...{ items: [{ id: items.data[0]?.id ?? "", quantity }], proration_behavior },
          expand: ["latest_invoice"],
        });
      for (const quantity of [2, 3, 4, 5, 6]) await changeTo(quantity, "create_prorations");
      const { latest_invoice: invoice } = await changeTo(7, "always_invoice");
      if (invoice === null || typeof invoice === "string") throw new Error("The invoice is not expanded.");
      expect(invoice).toMatchObject({ billing_reason: "subscription_update", lines: { has_more: true } });
      const all = await stripe.invoices.listLineItems(invoice.id ?? "", { limit: 100 });
      expect([all.data.length, all.has_more]).toEqual([12, false]);
      const shown = invoice.lines.data.map((line) => line.id);
      expect(shown).toEqual(all.data.slice(0, 10).map((line) => line.id));
      expect(all.data.reduce((sum, { amount }) => sum + amount, 0)).toBe(invoice.total);
    });
  });

  describe("a cancellation", () => {
    contractTest(
      "sets ended_at and canceled_at to the same time; a second one is 404, and the subscription can be retrieved",
      async () => {
        const { customer } = await customerOnClock("pm_card_visa");
        const { id } = await subscribe(customer);
        const ended = await stripe.subscriptions.cancel(id, { invoice_now: false, prorate: false });
        expect(ended.status).toBe("canceled");
        expect(ended.ended_at).not.toBeNull();
        // Nest relies on this to distinguish an immediate end from a scheduled end.
        expect(ended.ended_at).toBe(ended.canceled_at);
        expect(await errorOf(stripe.subscriptions.cancel(id))).toMatchObject({
          statusCode: 404,
          code: "resource_missing",
        });
        expect((await stripe.subscriptions.retrieve(id)).status).toBe("canceled");
        expect((await stripe.subscriptions.list({ customer })).data).toEqual([]);
        expect((await stripe.subscriptions.list({ customer, status: "all" })).data).toHaveLength(1);
        await eventAbout("customer.subscription.deleted", id);
      },
    );

    contractTest(
      "at the end of the period sets canceled_at now, ends the subscription then, and prevents the renewal",
      async () => {
        const { clock, customer } = await customerOnClock("pm_card_visa");
        const { id } = await subscribe(customer);
        const scheduled = await stripe.subscriptions.update(id, { cancel_at_period_end: true });
        const end = scheduled.items.data[0]?.current_period_end ?? 0;
        expect(scheduled).toMatchObject({ status: "active", ended_at: null });
        expect(scheduled.cancel_at_period_end || scheduled.cancel_at === end).toBe(true);
        expect(scheduled.canceled_at).not.toBeNull();
        const undone = await stripe.subscriptions.update(id, { cancel_at_period_end: false });
        expect(undone).toMatchObject({ cancel_at_period_end: false, cancel_at: null, canceled_at: null });
        await stripe.subscriptions.update(id, { cancel_at_period_end: true });
        await account.advance(clock, end + HOUR);
        const ended = await stripe.subscriptions.retrieve(id);
        expect(ended.status).toBe("canceled");
        expect(ended.cancel_at_period_end || ended.ended_at !== ended.canceled_at).toBe(true);
        expect((await stripe.invoices.list({ subscription: id })).data).toHaveLength(1);
      },
    );
  });

  describe("payments", () => {
    contractTest("refund a subscription through its invoice's payment only once", async () => {
      const { customer } = await customerOnClock("pm_card_visa");
      const { id } = await subscribe(customer);
      const invoices = await stripe.invoices.list({ subscription: id, status: "paid", limit: 100 });
      expect(invoices.data).toMatchObject([
        { amount_paid: 499, parent: { subscription_details: { subscription: id } } },
      ]);
      const invoice = invoices.data[0]?.id ?? "";
      const payments = await stripe.invoicePayments.list({ invoice, status: "paid", limit: 100 });
      const payment_intent = String(payments.data[0]?.payment.payment_intent);
      const found = await stripe.invoicePayments.list({
        payment: { type: "payment_intent", payment_intent },
        expand: ["data.invoice"],
      });
      expect(found.data).toMatchObject([{ status: "paid", invoice: { id: invoice } }]);
      const refund = await stripe.refunds.create({ payment_intent, reason: "duplicate" });
      expect(refund).toMatchObject({ amount: 499, status: "succeeded", payment_intent });
      const again = await errorOf(stripe.refunds.create({ payment_intent, reason: "duplicate" }));
      expect(again).toMatchObject({ statusCode: 400, code: "charge_already_refunded" });
    });

    contractTest("has a billing portal session with a URL", async () => {
      const { customer } = await customerOnClock();
      const { portal: configuration } = account;
      const session = await stripe.billingPortal.sessions.create({
        customer,
        ...(configuration && { configuration }),
      });
      expect(session.customer).toBe(customer);
      expect(session.url).toMatch(/^https?:\/\//);
    });
  });

  describe("a test clock", () => {
    contractTest("can't be moved back or by more than two periods", async () => {
      const { clock, now, customer } = await customerOnClock("pm_card_visa");
      await subscribe(customer);
      const { testClocks } = stripe.testHelpers;
      for (const frozen_time of [now - DAY, now + 100 * DAY]) {
        expect((await errorOf(testClocks.advance(clock, { frozen_time }))).statusCode).toBe(400);
      }
      await account.advance(clock, now + DAY);
      expect((await testClocks.retrieve(clock)).frozen_time).toBe(now + DAY);
    });

    contractTest("deletes its customers when it is deleted", async () => {
      const { id } = await stripe.testHelpers.testClocks.create({
        frozen_time: Math.floor(Date.now() / 1000),
      });
      const customer = await stripe.customers.create({ test_clock: id });
      await stripe.testHelpers.testClocks.del(id);
      await account.until("the customer is gone", async () => {
        const gone = await stripe.customers
          .retrieve(customer.id)
          .catch((error: Stripe.errors.StripeError) => {
            if (error.code === "resource_missing") return { deleted: true };
            throw error;
          });
        return gone.deleted;
      });
      expect((await errorOf(stripe.testHelpers.testClocks.retrieve(id))).code).toBe("resource_missing");
    });
  });
});
