import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ErrorCode } from "#core/errors.ts";
import { handler as jwks } from "#entry/jwks.ts";
import { handler as unmatched } from "#entry/unmatched.ts";
import { openApiDocument, requireDeclared } from "#tests/support/declared.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import type { Reply, TestNest } from "#tests/support/nest.ts";
import { expectInvalidTraffic } from "#tests/support/stripe_traffic_check.ts";
import { type Nests, startNests } from "#tests/tools/openapi/provoke.ts";
import { toEvent } from "#tools/local/gateway.ts";
import { errorsOf } from "#tools/openapi/read.ts";

const WEBHOOK = "/1/webhook/stripe";
let nests: Nests;
beforeAll(async () => {
  nests = await startNests();
});
afterAll(() => nests.stop());

/** The newest event of a type, as Stripe posts it. */
function newest(nest: TestNest, type: string): object {
  const found = nest.stripe.events().findLast((event) => event.type === type);
  if (!found) throw new Error(`The Stripe double sent no ${type}.`);
  return found;
}
const CREATED = "customer.subscription.created";

/** How to provoke each error of the webhook. */
const WAYS: Readonly<Partial<Record<ErrorCode, (nests: Nests) => Promise<Reply>>>> = {
  missing_webhook_body: ({ good }) => good.call(WEBHOOK),
  invalid_webhook_payload: ({ good }) => good.call(WEBHOOK, {}, { headers: { "stripe-signature": "junk" } }),
  body_too_large: ({ good }) => good.call(WEBHOOK, "x".repeat(1024 * 1024 + 1)),
  subscription_not_ready: async ({ good }) => {
    const { id } = good.stripe.createSubscription({ email: "early@example.com" });
    good.stripe.updateSubscription(id, { cancel_at_period_end: true });
    return good.webhook(newest(good, "customer.subscription.updated"));
  },
  subscription_not_valid: async ({ good }) => {
    const { id } = good.stripe.createSubscription({ email: "strange@example.com" });
    good.stripe.updateSubscription(id, { fields: { status: "sleeping" } });
    return good.webhook(newest(good, CREATED));
  },
  customer_email_missing: async ({ good }) => {
    good.stripe.createSubscription({ email: null });
    return good.webhook(newest(good, CREATED));
  },
  stripe_error: async ({ good }) => {
    good.stripe.createSubscription({ email: "down@example.com" });
    good.stripe.fault({ calls: 1, kind: "error" });
    return good.webhook(newest(good, CREATED));
  },
  email_not_sent: async ({ good }) => {
    good.stripe.createSubscription({ email: "unsent@example.com" });
    good.ses.fault({ calls: 1, kind: "error" });
    return good.webhook(newest(good, CREATED));
  },
  unknown: ({ broken }) => broken.webhook(broken.stripe.emit("some.thing", { id: "x" })),
  unavailable: ({ lost }) => lost.webhook(lost.stripe.emit("some.thing", { id: "x" })),
};

describe("the webhook", () => {
  const operation = openApiDocument.paths[WEBHOOK]?.post;
  if (!operation) throw new Error("The document has no operation for the webhook.");

  test("accepts its example with a signature", async () => {
    const example = operation.requestBody?.content["application/json"]?.examples?.whole;
    if (!example || !("value" in example)) throw new Error("The webhook has no example.");
    // The example lacks the fields that Nest does not read.
    const reply = await expectInvalidTraffic(() => nests.good.webhook(example.value as object));
    expect(reply.body).toEqual({ received: true });
  });

  test.each(errorsOf(openApiDocument, operation.responses))(
    "returns $status $code",
    async ({ code, status }) => {
      const way = WAYS[code];
      if (!way) throw new Error(`WAYS cannot provoke ${code}. Add it there.`);
      const reply = await way(nests);
      expect({ status: reply.status, code: reply.body.code }).toEqual({ status, code });
    },
  );
});

describe("paths that are not methods", () => {
  test.each([
    ["GET", "/health"],
    ["HEAD", "/health"],
    ["GET", "/.well-known/jwks.json"],
    ["GET", "/.well-known/oauth-authorization-server"],
  ])("%s %s returns the documented response", async (method, path) => {
    expect((await nests.good.call(path, undefined, { method })).status).toBe(200);
  });

  const ANY: readonly (readonly [ErrorCode, string, string])[] = [
    ["not_found", "POST", "/1/2021-10-06/nope"],
    ["malformed_url", "POST", "/1/2021-10-06/"],
    ["unknown_version", "POST", "/2/2021-10-06/get_user"],
    ["version_not_supported", "POST", "/1/1999-01-01/get_user"],
    ["unknown_webhook_provider", "POST", "/1/webhook/paypal"],
    ["method_not_supported", "GET", "/1/2021-10-06/get_user"],
  ];
  test.each(ANY)("returns %s for a path or HTTP method that does not exist", async (code, method, path) => {
    const reply = await nests.good.call(path, {}, { method });
    expect(reply.body.code).toBe(code);
  });

  test("x-unmatched lists exactly the errors above and unknown", () => {
    const documented = errorsOf(openApiDocument, openApiDocument["x-unmatched"].responses);
    const provoked = [...ANY.map(([code]) => code), "unknown"];
    expect(documented.map(({ code }) => code).sort()).toEqual(provoked.sort());
  });

  test.each([
    ["the JWKS", jwks, "/.well-known/jwks.json"],
    ["health", unmatched, "/health"],
  ])("%s returns the documented 500 if its function has no variables", async (_name, handler, path) => {
    const event = toEvent({ method: "GET", path, headers: {}, ip: "203.0.113.1" }, "$default");
    const { statusCode = 0, headers, body = "" } = await handler(event, lambdaContext("r-1"));
    expect(statusCode).toBe(500);
    requireDeclared({
      verb: "GET",
      path,
      status: statusCode,
      headers: headers as Record<string, string>,
      body: JSON.parse(body),
    });
  });
});

describe("requireDeclared", () => {
  const headers = { "beak-time": "2026-03-14T09:26:53.589Z", "request-id": "r-1" };
  const good = { verb: "GET", path: "/health", status: 200, headers, body: { status: "ok" } };

  test.each([
    ["a status", { status: 418 }, /no such status/],
    ["a shape", { body: { status: "ok", more: 1 } }, /additional properties/],
    ["a value", { body: { status: "fine" } }, /constant/],
    ["a missing header", { headers: { "request-id": "r-1" } }, /header beak-time is missing/],
    ["a header format", { headers: { ...headers, "beak-time": "today" } }, /date-time/],
    ["a body for a 204", { verb: "POST", path: "/1/2021-10-06/revoke_token", status: 204 }, /no body/],
  ])("rejects %s that the document does not have", (_what, change, message) => {
    requireDeclared(good);
    expect(() => requireDeclared({ ...good, ...change } as typeof good)).toThrow(message);
  });
});
