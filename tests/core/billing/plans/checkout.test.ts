import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY, HOUR } from "#core/clock.ts";
import { REDIRECT, type Reply, type TestNest } from "#tests/support/nest.ts";
import {
  CANCEL,
  type Shopper,
  SUCCESS,
  sessionIn,
  signInShopper,
  startShop,
  V3,
} from "#tests/support/plans.ts";

let nest: TestNest;
let ada: Shopper;
beforeEach(async () => {
  nest = await startShop();
  ada = await signInShopper(nest);
});
afterEach(() => nest.stop());

const codeOf = ({ status, body }: Reply) => (status === 200 ? 200 : body.code);
const customers = () => nest.stripe.customers();
const statuses = () => nest.stripe.checkoutSessions().map(({ status }) => status);
const living = () => nest.stripe.subscriptions().filter(({ status }) => status !== "canceled");

test("creates and maps the customer before the session, which names the user", async () => {
  const { status, body } = await ada.checkout("pro");
  expect(status).toBe(200);
  const [session] = nest.stripe.checkoutSessions();
  expect(body).toEqual({
    url: session?.url,
    expires_at: new Date((session?.expires_at ?? 0) * 1000).toISOString(),
  });
  expect(session).toMatchObject({
    client_reference_id: ada.userId,
    success_url: SUCCESS,
    cancel_url: CANCEL,
  });
  const [customer] = customers();
  expect(customer).toMatchObject({ id: session?.customer, email: "ada@example.com" });
  expect(await nest.collection("provider-mappings").findOne({})).toMatchObject({
    userId: ada.userId,
    providerValue: customer?.id,
    matchedBy: "nest",
  });
  const paths = nest.stripe.requests.map(({ method, path }) => `${method} ${path}`);
  expect(paths).toEqual(["POST /v1/customers", "POST /v1/checkout/sessions"]);
});

test("a purchase makes the user active with the plan's features, welcomes them, and returns them to the app", async () => {
  const { body } = await ada.checkout("pro", { success_url: `${SUCCESS}?from=test` });
  const form = new URLSearchParams({ card: "succeeds" });
  const paid = await fetch(body.url, { method: "POST", body: form, redirect: "manual" });
  expect(paid.headers.get("location")).toBe(`${SUCCESS}?from=test`);
  await nest.deliverEvents();
  const [subscription] = nest.stripe.subscriptions();
  expect(subscription?.metadata).toMatchObject({ user_id: ada.userId, plan: "pro" });
  expect((await ada.status()).body).toMatchObject({
    status: "active",
    plan: "pro",
    features: ["sync", "teams"],
  });
  expect(nest.lastMail("ada@example.com").subject).toContain("Welcome");
});

describe("repeated and racing calls", () => {
  test("return one open session of one customer, however many race", async () => {
    // A busy machine can exceed the time limits of the database and of Stripe. Clients repeat such a call.
    const checkout = async (): Promise<Reply> => {
      const reply = await ada.checkout("pro");
      return ["stripe_error", "unavailable"].includes(reply.body?.code) ? checkout() : reply;
    };
    const replies = await Promise.all(Array.from({ length: 24 }, checkout));
    expect(new Set(replies.map(codeOf))).toEqual(new Set([200]));
    expect(new Set(replies.map(({ body }) => body.url)).size).toBe(1);
    expect(customers()).toHaveLength(1);
    expect(nest.stripe.checkoutSessions()).toHaveLength(1);
    expect(await nest.collection("provider-mappings").countDocuments()).toBe(1);
    expect((await ada.checkout("pro")).body).toEqual(replies[0]?.body);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    "leave at most one open session if they order different plans, round %s",
    async () => {
      const plans = ["pro", "yearly", "basic", "pro", "yearly", "basic"];
      const replies = await Promise.all(plans.map((plan) => ada.checkout(plan)));
      expect(replies.map(codeOf).filter((code) => code !== 200 && code !== "unavailable")).toEqual([]);
      expect(statuses().filter((status) => status === "open").length).toBeLessThanOrEqual(1);
      expect(customers()).toHaveLength(1);
      const last = await ada.checkout("pro");
      expect(codeOf(last)).toBe(200);
      const open = nest.stripe.checkoutSessions().filter(({ status }) => status === "open");
      expect(open.map(({ url }) => url)).toEqual([last.body.url]);
    },
  );

  test("another plan or another URL ends the open session and creates one", async () => {
    await ada.checkout("pro");
    const { body } = await ada.checkout("yearly");
    await ada.checkout("yearly", { cancel_url: `${CANCEL}#yearly` });
    expect(statuses()).toEqual(["expired", "expired", "open"]);
    expect(nest.stripe.checkoutSessions()[1]?.id).toBe(sessionIn(body.url));
  });

  test("create another session when the first expires within an hour, or was ended at Stripe", async () => {
    const first = await ada.checkout("pro");
    nest.clock.advance(21 * HOUR);
    expect((await ada.checkout("pro")).body.url).toBe(first.body.url);
    nest.clock.advance(1.5 * HOUR);
    const second = await ada.checkout("pro");
    expect(second.body.url).not.toBe(first.body.url);
    nest.clock.advance(24 * HOUR);
    expect((await ada.checkout("pro")).body.url).not.toBe(second.body.url);
    expect(statuses()).toEqual(["expired", "expired", "open"]);
  });

  test("are refused after 20 new sessions in a day, and allowed on the next day", async () => {
    for (let count = 1; count <= 20; count++)
      expect(codeOf(await ada.checkout(count % 2 ? "pro" : "yearly"))).toBe(200);
    const refused = await ada.checkout("pro");
    expect(codeOf(refused)).toBe("rate_limited");
    expect(Number(refused.headers["retry-after"])).toBe(refused.body.meta.retry_after);
    expect(codeOf(await ada.checkout("yearly"))).toBe(200);
    expect(nest.stripe.checkoutSessions()).toHaveLength(20);
    nest.clock.advance(DAY);
    expect(codeOf(await ada.checkout("pro"))).toBe(200);
  });
});

describe("who may buy", () => {
  test("already_subscribed while a subscription of the plan renews, also before its event arrives", async () => {
    const { body } = await ada.checkout("pro");
    const id = nest.stripe.payCheckout(sessionIn(body.url)) ?? "";
    expect(codeOf(await ada.checkout("pro"))).toBe("already_subscribed");
    await nest.deliverEvents();
    expect(codeOf(await ada.checkout("pro"))).toBe("already_subscribed");
    expect(codeOf(await ada.checkout("yearly"))).toBe(200);
    nest.stripe.cancelSubscription(id, { isAtPeriodEnd: true });
    await nest.deliverEvents();
    expect(codeOf(await ada.checkout("pro"))).toBe(200);
  });

  test("already_subscribed before the event arrives, also for a call with other URLs", async () => {
    const { body } = await ada.checkout("pro");
    const id = nest.stripe.payCheckout(sessionIn(body.url)) ?? "";
    const other = { cancel_url: `${CANCEL}?tab=2` };
    for (const _ of ["first", "repeated"])
      expect(codeOf(await ada.checkout("pro", other))).toBe("already_subscribed");
    expect(statuses()).toEqual(["complete"]);
    expect(codeOf(await ada.checkout("yearly"))).toBe(200);
    nest.stripe.cancelSubscription(id);
    await nest.deliverEvents();
    expect(codeOf(await ada.checkout("pro", other))).toBe(200);
    expect(statuses()).toEqual(["complete", "expired", "open"]);
  });

  test("a plan can be bought again that was scheduled to end before its event arrived", async () => {
    const { body } = await ada.checkout("pro");
    const id = nest.stripe.payCheckout(sessionIn(body.url)) ?? "";
    nest.stripe.cancelSubscription(id, { isAtPeriodEnd: true });
    expect(codeOf(await ada.checkout("pro"))).toBe(200);
  });

  test("a plan can be bought again after it has ended", async () => {
    const id = await ada.buy("pro");
    nest.stripe.cancelSubscription(id);
    await nest.deliverEvents();
    await ada.buy("pro");
    expect((await ada.status()).body.plan).toBe("pro");
    expect(living()).toHaveLength(1);
  });

  test("a user with a trial can buy its plan, which replaces the trial without a mail", async () => {
    expect(await nest.startTrial("eve@example.com", "198.51.100.1")).toBe("204");
    const eve = await signInShopper(nest, "eve@example.com");
    await nest.deliverEvents();
    expect((await eve.status()).body).toMatchObject({ status: "trialing", plan: "basic" });
    await eve.buy("basic");
    expect((await eve.status()).body).toMatchObject({ status: "active", plan: "basic" });
    expect(living()).toHaveLength(1);
    expect(customers()).toHaveLength(1);
    expect(nest.stripe.refunds()).toEqual([]);
  });

  test("a user who owes a payment gets payment_required with the portal's link, and no session", async () => {
    nest.stripe.createSubscription({ email: "ada@example.com", status: "past_due" });
    await nest.deliverEvents();
    const { status, body } = await ada.checkout("pro");
    expect([status, body.code]).toEqual([402, "payment_required"]);
    expect(body.meta.billing_portal_url).toContain(`${nest.stripe.url}/p/session/`);
    expect(statuses()).toEqual([]);
  });

  test("another plan replaces the active one, whose unused share is credited to the same customer", async () => {
    const old = await ada.buy("basic");
    nest.clock.advance(5 * DAY);
    const bought = await ada.buy("pro");
    expect(living().map(({ id }) => id)).toEqual([bought]);
    expect((await ada.status()).body).toMatchObject({ plan: "pro", features: ["sync", "teams"] });
    const [customer] = customers();
    expect(nest.stripe.subscriptions().find(({ id }) => id === old)?.customer).toBe(customer?.id);
    expect(nest.stripe.ledger().balanceTransactions.map(({ amount }) => amount < 0)).toContain(true);
  });

  test("a purchase through checkout replaces one of a customer that was matched by address alone", async () => {
    await ada.buy("basic");
    nest.clock.advance(60);
    // The user also bought by a payment link, as another customer, and canceled. It is the newest customer.
    const link = nest.stripe.createSubscription({ email: "ada@example.com", price: "price_yearly" });
    await nest.deliverEvents();
    const { customer } = nest.stripe.subscriptions().find(({ id }) => id === link.id) ?? {};
    expect(living()).toHaveLength(1);
    await nest.collection("provider-mappings").deleteMany({ matchedBy: "nest" });
    expect(await nest.collection("provider-mappings").countDocuments()).toBe(1);
    nest.clock.advance(60);
    const { body } = await ada.checkout("pro");
    expect(nest.stripe.checkoutSessions().at(-1)?.customer).toBe(customer);
    const bought = nest.stripe.payCheckout(sessionIn(body.url));
    await nest.deliverEvents();
    expect(living().map(({ id }) => id)).toEqual([bought]);
    expect((await ada.status()).body.plan).toBe("pro");
  });

  test("a caller without a proved address neither learns of subscriptions that match it nor uses their customer", async () => {
    nest.stripe.createSubscription({ email: "ada@example.com", status: "past_due" });
    await nest.deliverEvents();
    await nest.collection("identifiers").updateMany({}, { $set: { verifiedAt: null } });
    expect(codeOf(await ada.checkout("pro"))).toBe(200);
    expect(customers()).toHaveLength(2);
    expect(nest.stripe.checkoutSessions()[0]?.customer).toBe(customers()[1]?.id);
  });
});

describe("what is refused", () => {
  test.each<[string, object, string]>([
    ["an unknown plan", { plan: "gold" }, "plan_not_found"],
    ["a plan that has ended", { plan: "old" }, "plan_ended"],
    ["a foreign success URL", { success_url: "https://evil.example/thanks" }, "invalid_checkout_url"],
    ["a foreign cancel URL", { cancel_url: "https://app.example/other" }, "invalid_checkout_url"],
    ["a redirect URI that is no checkout URL", { success_url: REDIRECT }, "invalid_checkout_url"],
    ["a URL with a user name", { success_url: "https://a@app.example/thanks" }, "invalid_checkout_url"],
    [
      "a URL that parsers read differently",
      { success_url: "https://app.example\\@evil.example/thanks" },
      "invalid_checkout_url",
    ],
    ["a URL with a line break", { success_url: `${SUCCESS}\n` }, "invalid_checkout_url"],
    ["a URL without slashes", { success_url: "https:app.example/thanks" }, "invalid_checkout_url"],
    ["a URL with one slash", { success_url: "https:/app.example/thanks" }, "invalid_checkout_url"],
    ["a URL with three slashes", { success_url: "https:///app.example/thanks" }, "invalid_checkout_url"],
    ["a host of this machine without slashes", { success_url: "http:localhost/" }, "invalid_checkout_url"],
    ["a script", { success_url: "javascript:alert(1)" }, "invalid_checkout_url"],
    [
      "a host of this machine with a user name",
      { success_url: "http://a@localhost/x" },
      "invalid_checkout_url",
    ],
  ])("%s, without a request to Stripe", async (_what, change, code) => {
    const reply = await ada.checkout("pro", change);
    expect(codeOf(reply)).toBe(code);
    if (code === "invalid_checkout_url") expect(Object.keys(change)).toEqual([reply.body.meta.field]);
    expect(nest.stripe.requests).toEqual([]);
    expect(await nest.collection("checkouts").countDocuments()).toBe(0);
  });

  test("a caller without a token, and an internal key", async () => {
    const body = { plan: "pro", success_url: SUCCESS, cancel_url: CANCEL };
    for (const options of [{}, { internal: true }])
      expect(codeOf(await nest.call(`${V3}create_checkout_session`, body, options))).toBe("access_denied");
  });

  test("a price that Stripe does not have, or does not sell anymore", async () => {
    const broken = await startShop({ beside: nest, environment: { STRIPE_PRICE_ID: "price_gone" } });
    const person = await signInShopper(broken);
    expect(codeOf(await person.checkout("basic"))).toBe("price_not_found");
    expect(codeOf(await person.checkout("basic"))).toBe("price_not_found");
    expect(codeOf(await person.checkout("pro"))).toBe(200);
    expect(statuses()).toEqual(["open"]);
    await broken.stop();
  });

  test("on a developer's machine, pages of this machine are allowed", async () => {
    for (const url of ["http://localhost:5173/thanks?ok=1", "http://127.0.0.1:3000/", "http://[::1]:3000/"])
      expect(codeOf(await ada.checkout("pro", { success_url: url }))).toBe(200);
    expect(codeOf(await ada.checkout("pro", { success_url: "http://localhost.evil.example/" }))).toBe(
      "invalid_checkout_url",
    );
  });
});

describe("while Stripe fails", () => {
  const CUSTOMER = "POST /v1/customers";
  const SESSION = "POST /v1/checkout/sessions";

  test.each(["error", "rate_limited", "error_after", "lost"] as const)(
    "%s: the call returns stripe_error, and the next one makes one usable session of one mapped customer",
    async (kind) => {
      for (const on of [CUSTOMER, SESSION]) {
        // The SDK sends a request again whose connection was cut.
        nest.stripe.fault({ calls: kind === "lost" ? 2 : 1, kind, on });
        expect([on, codeOf(await ada.checkout("pro"))]).toEqual([on, "stripe_error"]);
      }
      expect(await nest.collection("provider-mappings").countDocuments()).toBe(1);
      const { body } = await ada.checkout("pro");
      nest.stripe.payCheckout(sessionIn(body.url));
      await nest.deliverEvents();
      expect((await ada.status()).body).toMatchObject({ status: "active", plan: "pro" });
      const mapping = await nest.collection("provider-mappings").findOne({});
      expect(mapping?.providerValue).toBe(living()[0]?.customer);
      expect(await nest.collection("provider-mappings").countDocuments()).toBe(1);
    },
  );

  test("a call that Stripe never answers ends in time, and makes no session", async () => {
    nest.stripe.fault({ calls: 1, kind: "hang", on: SESSION });
    expect(codeOf(await ada.checkout("pro"))).toBe("stripe_error");
    expect(statuses()).toEqual([]);
  });

  test("an open session that can't be ended blocks a checkout of another plan, so that both can't be paid", async () => {
    await ada.checkout("pro");
    nest.stripe.fault({ calls: 1, kind: "error", on: `${SESSION}/` });
    expect(codeOf(await ada.checkout("yearly"))).toBe("stripe_error");
    expect(statuses()).toEqual(["open"]);
    expect(codeOf(await ada.checkout("yearly"))).toBe(200);
    expect(statuses()).toEqual(["expired", "open"]);
  });

  test("a customer that was deleted at Stripe is replaced within the call", async () => {
    await ada.buy("pro");
    const [customer] = customers();
    await deleteAtStripe(customer?.id ?? "");
    await nest.deliverEvents();
    expect(codeOf(await ada.checkout("pro"))).toBe(200);
    const current = customers().at(-1);
    expect(nest.stripe.checkoutSessions().at(-1)?.customer).toBe(current?.id);
    expect(current?.id).not.toBe(customer?.id);
    const mapped = await nest.collection("provider-mappings").find({ removedAt: null }).toArray();
    expect(mapped.map(({ providerValue }) => providerValue)).toEqual([current?.id]);
  });

  async function deleteAtStripe(id: string): Promise<void> {
    const authorization = `Bearer ${nest.stripe.secretKey}`;
    const answer = await fetch(`${nest.stripe.url}/v1/customers/${id}`, {
      method: "DELETE",
      headers: { authorization },
    });
    expect(answer.status).toBe(200);
  }
});

test("outside production, the page asks for the testers' promotion code where one is required", async () => {
  const gated = await startShop({ beside: nest, environment: { REQUIRED_PROMOTION_CODE_ID: "promo_staff" } });
  nest.stripe.createPromotionCode({ id: "promo_staff", code: "STAFF", percentOff: 50 });
  const person = await signInShopper(gated);
  const { body } = await person.checkout("pro");
  nest.stripe.payCheckout(sessionIn(body.url), { promotionCode: "staff" });
  for (const event of nest.stripe.events()) await gated.webhook(event);
  expect((await person.status()).body).toMatchObject({ status: "active", plan: "pro" });
  await gated.stop();
});

test("the events of checkout sessions are recorded as ignored", async () => {
  const { body } = await ada.checkout("pro");
  nest.stripe.payCheckout(sessionIn(body.url));
  const answers = await nest.deliverEvents();
  expect(answers).toContainEqual(["checkout.session.completed", 200]);
  expect(
    await nest.collection("stripe-events").findOne({ type: "checkout.session.completed" }),
  ).toMatchObject({
    status: "ignored",
  });
});
