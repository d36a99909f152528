import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());
beforeEach(async () => {
  // An event that Nest still processes would use up the next test's fault.
  await stack.stripe.settled();
  stack.stripe.reset();
});

const make = async (wanted: object = {}) => {
  const { status, body } = await stack.ask("POST", "/dev/stripe/subscriptions", {
    email: "ada@example.com",
    ...wanted,
  });
  expect(status).toBe(200);
  return body as { id: string; customer: string; status: string };
};
const look = async () => (await stack.ask("GET", "/dev/stripe")).body;
const found = async (id: string) => (await look()).subscriptions.find((row: { id: string }) => row.id === id);

test("GET /dev/status returns the mode, URL and keys of Stripe", async () => {
  const { body } = await stack.ask("GET", "/dev/status");
  const { url, secretKey, webhookSecret } = stack.stripe;
  expect(body.stripe).toEqual({
    mode: "double",
    url,
    secret_key: secretKey,
    webhook_secret: webhookSecret,
  });
});

describe("POST /dev/stripe/subscriptions", () => {
  test("creates a new customer each time, with a paid invoice when active, and Nest processes the events", async () => {
    const first = await make();
    const second = await make();
    expect(first).toEqual({
      id: expect.stringMatching(/^sub_/),
      customer: expect.stringMatching(/^cus_/),
      status: "active",
    });
    expect(second.customer).not.toBe(first.customer);
    expect(stack.stripe.events().map(({ type }) => type)).toContain("invoice.paid");
    expect(await found(first.id)).toMatchObject({ owed: null, card: { works: true } });
    await stack.stripe.settled();
    const { events } = await look();
    expect(events.find((row: { object: string }) => row.object === first.id)).toMatchObject({
      type: "customer.subscription.created",
      deliveries: [{ status: 200 }],
      verdict: { status: "done", reason: null, attempt: 1 },
    });
  });

  test.each([
    [{ trial_days: 3 }, "trialing"],
    [{ status: "trialing" }, "trialing"],
    [{ status: "past_due" }, "past_due"],
    [{ status: "incomplete" }, "incomplete"],
    [{ status: "canceled" }, "canceled"],
    [{ card: "declines" }, "incomplete"],
    [{ price: "price_1JhiGIATHKHpwoLyyxI5cCKU" }, "active"],
  ])("%j creates a subscription with status %s", async (wanted, status) => {
    expect((await make(wanted)).status).toBe(status);
  });

  test.each([
    ["no address", { email: undefined }, [], 'requires property "email"'],
    ["an address that is no text", { email: 7 }, ["email"], "is not of a type(s) string"],
    ["an unknown field", { name: "Ada" }, [], 'is not allowed to have the additional property "name"'],
    ["an unknown status", { status: "trialling" }, ["status"], expect.stringContaining("enum values")],
    ["a trial of no days", { trial_days: 0 }, ["trial_days"], "must be greater than 0"],
    ["days as text", { trial_days: "3" }, ["trial_days"], "is not of a type(s) number"],
    ["too many days", { trial_days: 731 }, ["trial_days"], "must be less than or equal to 730"],
    ["an unknown price", { price: "price_no" }, ["price"], "No such price: 'price_no'"],
  ])("rejects %s and creates nothing", async (_case, change, path, message) => {
    const wanted = { email: "ada@example.com", ...change };
    const { status, body } = await stack.ask("POST", "/dev/stripe/subscriptions", wanted);
    expect({ status, code: body.code }).toEqual({ status: 400, code: "validation_failed" });
    expect(body.meta).toMatchObject({ path, message });
    expect(stack.stripe.subscriptions()).toEqual([]);
    expect(stack.stripe.customers()).toEqual([]);
  });

  test("rejects an email address that Stripe rejects", async () => {
    const { status, body } = await stack.ask("POST", "/dev/stripe/subscriptions", { email: "ada" });
    expect({ status, code: body.code }).toEqual({ status: 400, code: "invalid_email" });
    expect(stack.stripe.customers()).toEqual([]);
  });

  test.each([
    ["no body", undefined, "body_missing"],
    ["a body that is not JSON", "{", "malformed_json"],
    ["a list", "[]", "validation_failed"],
    ["null", "null", "validation_failed"],
  ])("rejects %s", async (_case, body, code) => {
    const answer = await stack.ask("POST", "/dev/stripe/subscriptions", body);
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 400, code });
  });
});

describe("PATCH and DELETE /dev/stripe/subscriptions/<id>", () => {
  test("change a subscription and return its new state", async () => {
    const { id, customer } = await make();
    const path = `/dev/stripe/subscriptions/${id}`;
    const patched = await stack.ask("PATCH", path, { cancel_at_period_end: true });
    expect({ status: patched.status, body: patched.body }).toEqual({
      status: 200,
      body: { id, customer, status: "active" },
    });
    expect((await found(id)).cancel_at).not.toBeNull();
    await stack.ask("PATCH", path, { cancel_at_period_end: false });
    expect((await found(id)).cancel_at).toBeNull();
    expect((await stack.ask("PATCH", path, { status: "past_due" })).body.status).toBe("past_due");
    const deleted = await stack.ask("DELETE", path);
    expect({ status: deleted.status, body: deleted.body }).toEqual({
      status: 200,
      body: { id, customer, status: "canceled" },
    });
    expect((await stack.ask("DELETE", path)).status).toBe(404);
  });

  test("end a trial now", async () => {
    const { id } = await make({ trial_days: 14 });
    const path = `/dev/stripe/subscriptions/${id}`;
    expect((await stack.ask("PATCH", path, { trial_end: "now" })).body.status).toBe("canceled");
  });

  test.each([
    ["an empty body", {}, "names no field to change"],
    ["an unknown field", { plan: "x" }, 'is not allowed to have the additional property "plan"'],
    ["a status that Stripe does not have", { status: "gone" }, expect.stringContaining("enum values")],
    ["a moment in the past", { trial_end: "2020-01-01T00:00:00.000Z" }, expect.any(String)],
    ["a string for a boolean", { cancel_at_period_end: "yes" }, "is not of a type(s) boolean"],
  ])("reject %s and change nothing", async (_case, change, message) => {
    const { id } = await make();
    const before = stack.stripe.subscriptions();
    const { status, body } = await stack.ask("PATCH", `/dev/stripe/subscriptions/${id}`, change);
    expect({ status, code: body.code }).toEqual({ status: 400, code: "validation_failed" });
    expect(body.meta.message).toEqual(message);
    expect(stack.stripe.subscriptions()).toEqual(before);
  });

  test("return not_found for an unknown subscription", async () => {
    for (const [method, body] of [["PATCH", { status: "active" }], ["DELETE"]] as const) {
      const { status, body: answer } = await stack.ask(method, "/dev/stripe/subscriptions/sub_no", body);
      expect({ status, code: answer.code }, method).toEqual({ status: 404, code: "not_found" });
    }
  });

  test("reject a change of a canceled subscription", async () => {
    const { id } = await make({ status: "canceled" });
    const path = `/dev/stripe/subscriptions/${id}`;
    const { status, body } = await stack.ask("PATCH", path, { cancel_at_period_end: true });
    expect({ status, code: body.code }).toEqual({ status: 400, code: "validation_failed" });
    expect(body.meta.message).toContain("canceled subscription");
  });
});

describe("POST /dev/stripe/clock", () => {
  test("advances Stripe's clock but not Nest's, and processes everything that falls due", async () => {
    const { id } = await make({ trial_days: 3 });
    const beforehand = Date.parse((await look()).now);
    const { status, body } = await stack.ask("POST", "/dev/stripe/clock", { advance_days: 4 });
    expect(status).toBe(200);
    expect(Date.parse(body.now) - beforehand).toBeGreaterThanOrEqual(4 * 86_400_000);
    expect(body.ahead_seconds).toBe(4 * 86_400);
    expect((await found(id)).status).toBe("canceled");
    const { headers } = await stack.ask("GET", "/health");
    expect(Date.parse(headers.get("beak-time") ?? "")).toBeLessThan(Date.now() + 60_000);
  });

  test("lets Nest process the events of each day before the next day", async () => {
    const { id } = await make({ trial_days: 14 });
    await stack.ask("POST", "/dev/stripe/clock", { advance_days: 15 });
    const own = (await look()).events.filter(({ object }: { object: string }) => object === id);
    expect(own.map(({ type, verdict }: { type: string; verdict: object }) => [type, verdict])).toEqual([
      ["customer.subscription.created", { status: "done", reason: null, attempt: 1 }],
      ["customer.subscription.trial_will_end", { status: "done", reason: null, attempt: 1 }],
      ["customer.subscription.deleted", { status: "done", reason: null, attempt: 1 }],
    ]);
    expect(stack.ses.inbox.map(({ subject }) => subject)).toContain("Your Beak trial ends soon");
  });

  test("advances the clock fully while every call of Nest to Stripe hangs", async () => {
    const { id } = await make({ trial_days: 14 });
    await stack.stripe.settled();
    await stack.ask("POST", "/dev/stripe/faults", { calls: 1000, kind: "hang" });
    const { body } = await stack.ask("POST", "/dev/stripe/clock", { advance_days: 15 });
    expect(body.ahead_seconds).toBe(15 * 86_400);
    expect((await found(id)).status).toBe("canceled");
    await stack.ask("POST", "/dev/stripe/faults", { calls: 0 });
  });

  test.each([
    [{}, 'requires property "advance_days"'],
    [{ advance_days: -1 }, "must be greater than or equal to 0"],
    [{ advance_days: "3" }, "is not of a type(s) number"],
    [{ advance_days: 100_000 }, "must be less than or equal to 3660"],
    [{ advance_days: 1, advance_hours: 1 }, 'is not allowed to have the additional property "advance_hours"'],
  ])("rejects %j and leaves the clock unchanged", async (wanted, message) => {
    const { status, body } = await stack.ask("POST", "/dev/stripe/clock", wanted);
    expect({ status, code: body.code, message: body.meta.message }).toEqual({
      status: 400,
      code: "validation_failed",
      message,
    });
    expect((await look()).ahead_seconds).toBe(0);
  });
});

describe("POST /dev/stripe/faults", () => {
  test("fails the next calls, counts them down, and is cleared with 0 calls", async () => {
    const arm = (fault: object) => stack.ask("POST", "/dev/stripe/faults", fault);
    expect((await arm({ calls: 2, kind: "error" })).status).toBe(204);
    expect((await look()).faults).toEqual({ calls: 2, kind: "error" });
    const call = () =>
      fetch(`${stack.stripe.url}/v1/customers`, {
        headers: { authorization: `Bearer ${stack.stripe.secretKey}` },
      });
    expect((await call()).status).toBe(500);
    expect((await look()).faults).toEqual({ calls: 1, kind: "error" });
    await arm({ calls: 5, kind: "rate_limited" });
    expect((await call()).status).toBe(429);
    await arm({ calls: 0 });
    expect((await look()).faults).toEqual({ calls: 0, kind: "none" });
    expect((await call()).status).toBe(200);
    await arm({ calls: 3, kind: "none" });
    expect((await look()).faults).toEqual({ calls: 0, kind: "none" });
  });

  test.each([
    {},
    { kind: "error" },
    { calls: -1, kind: "error" },
    { calls: 1.5, kind: "error" },
    { calls: "1", kind: "error" },
    { calls: 1, kind: "explode" },
    { calls: 1, kind: "lost" },
    { calls: 1, kind: "error", on: "POST" },
  ])("rejects %j and sets no fault", async (fault) => {
    const { status, body } = await stack.ask("POST", "/dev/stripe/faults", fault);
    expect({ status, code: body.code }).toEqual({ status: 400, code: "validation_failed" });
    expect(body.reasons).not.toEqual([]);
    expect((await look()).faults).toEqual({ calls: 0, kind: "none" });
  });
});

describe("cards, payments and the portal", () => {
  test("a declining card leaves a payment open, and a working card settles it", async () => {
    const { id, customer } = await make({ card: "declines" });
    const pay = () => stack.ask("POST", `/dev/stripe/subscriptions/${id}/pay`);
    const give = (card: string) => stack.ask("POST", `/dev/stripe/customers/${customer}/card`, { card });
    expect(await found(id)).toMatchObject({ owed: 499, card: { last4: "0341", works: false } });
    expect((await pay()).body).toEqual({ id, customer, status: "incomplete", outcome: "failed" });
    expect((await give("works")).body).toMatchObject({ last4: "4242" });
    expect((await pay()).body).toEqual({ id, customer, status: "active", outcome: "paid" });
    const nothing = await pay();
    expect({ status: nothing.status, code: nothing.body.code }).toEqual({ status: 404, code: "not_found" });
    expect((await give("stolen")).body.code).toBe("validation_failed");
    const unknown = await stack.ask("POST", "/dev/stripe/customers/cus_no/card", { card: "works" });
    expect({ status: unknown.status, code: unknown.body.code }).toEqual({ status: 404, code: "not_found" });
  });

  test("the billing portal links back to the local page", async () => {
    const { customer } = await make();
    const { body } = await stack.ask("POST", `/dev/stripe/customers/${customer}/portal`);
    const page = await (await fetch(body.url)).text();
    expect(page).toContain(`href="${stack.api.url}/"`);
    const unknown = await stack.ask("POST", "/dev/stripe/customers/cus_no/portal");
    expect({ status: unknown.status, code: unknown.body.code }).toEqual({ status: 404, code: "not_found" });
  });
});

describe("events", () => {
  test("show each delivery and Nest's verdict while Stripe fails, and can be sent again", async () => {
    await stack.ask("POST", "/dev/stripe/faults", { calls: 1, kind: "error" });
    const { id } = await make();
    await stack.stripe.settled();
    const created = async () =>
      (await look()).events.find(
        (row: { object: string; type: string }) =>
          row.object === id && row.type === "customer.subscription.created",
      );
    const failed = (await look()).events.filter(
      ({ deliveries }: { deliveries: { status: number }[] }) => deliveries[0]?.status === 502,
    );
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({
      deliveries: [{ status: 502 }, { status: 200 }],
      is_given_up: false,
      verdict: { status: expect.stringMatching(/^(done|ignored)$/), attempt: 2 },
    });
    const event = await created();
    const again = await stack.ask("POST", `/dev/stripe/events/${event.id}/send`);
    expect({ status: again.status, body: again.body }).toEqual({ status: 200, body: { status: 200 } });
    expect((await created()).deliveries).toHaveLength(event.deliveries.length + 1);
    expect((await created()).verdict).toEqual(event.verdict);
    expect((await stack.ask("POST", "/dev/stripe/events/evt_no/send")).status).toBe(404);
  });

  test("of an unknown type are ignored with a reason", async () => {
    await make();
    await stack.stripe.settled();
    const { events } = await look();
    expect(events.find(({ type }: { type: string }) => type === "customer.created").verdict).toEqual({
      status: "ignored",
      reason: "unknown_type",
      attempt: 1,
    });
  });
});
