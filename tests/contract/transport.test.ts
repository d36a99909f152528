import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linkRequest, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";

describe("contract J, transport", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());

  const code = async (path: string, body?: unknown, method = "POST") =>
    (await nest.call(path, body, { method })).body.code;

  test("J1: every response is JSON and has a parseable beak-time", async () => {
    const replies = await Promise.all([
      nest.call(`${V1}list_news_items`, { client_id: "x" }),
      nest.call(`${V1}list_news_items`, {}),
      nest.call("/nowhere", undefined, { method: "GET" }),
      nest.call("/.well-known/jwks.json", undefined, { method: "GET" }),
    ]);
    for (const reply of replies) {
      expect(reply.headers["content-type"]).toBe("application/json");
      expect(reply.headers["beak-time"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(reply.headers["request-id"]).toBeTruthy();
      expect(reply.headers["x-content-type-options"]).toBe("nosniff");
      const isPublic = Object.hasOwn(reply.body, "keys");
      expect(reply.headers["cache-control"]).toBe(isPublic ? "public, max-age=300" : "no-store");
      expect(reply.headers).not.toHaveProperty("strict-transport-security");
    }
  });

  test("deployed stages send Strict-Transport-Security with every response", async () => {
    const deployed = await startNest({ beside: nest, environment: { STAGE: "prod" } });
    const replies = await Promise.all([
      deployed.call(`${V1}list_news_items`, { client_id: "x" }),
      deployed.call(`${V1}list_news_items`, "{"),
      deployed.call("/health", undefined, { method: "GET" }),
      deployed.call("/.well-known/jwks.json", undefined, { method: "GET" }),
      deployed.call("/1/webhook/stripe", {}),
    ]);
    for (const { headers } of replies)
      expect(headers["strict-transport-security"]).toBe("max-age=63072000; includeSubDomains");
    await deployed.stop();
  });

  test("J2: send_magic_link returns 204 without a body", async () => {
    const reply = await nest.call(`${V1}send_magic_link`, linkRequest());
    expect({ status: reply.status, raw: reply.raw }).toEqual({ status: 204, raw: "" });
  });

  test("J3: list_news_items returns an array without a credential", async () => {
    const reply = await nest.call(`${V1}list_news_items`, { client_id: "x" });
    expect({ status: reply.status, body: reply.body }).toEqual({ status: 200, body: [] });
  });

  test("J4: every error is a JSON object with a string code, and no redirect", async () => {
    const replies = await Promise.all([
      nest.call("/", undefined, { method: "GET" }),
      nest.call(`${V1}list_news_items/`, { client_id: "x" }),
      nest.call(`${V1}list_news_items`, "{"),
      nest.call("/1/webhook/paypal", {}),
    ]);
    for (const reply of replies) {
      expect(reply.status).toBeGreaterThanOrEqual(400);
      expect(typeof reply.body.code).toBe("string");
      expect(reply.headers["content-type"]).toBe("application/json");
    }
  });

  test("J5: an HTTP method other than POST is method_not_supported, with Allow", async () => {
    const reply = await nest.call(`${V1}send_magic_link`, undefined, { method: "GET" });
    expect({ status: reply.status, code: reply.body.code, allow: reply.headers.allow }).toEqual({
      status: 405,
      code: "method_not_supported",
      allow: "POST, OPTIONS",
    });
  });

  test("J6: OPTIONS on a method's path returns 204", async () => {
    for (const path of [`${V1}send_magic_link`, "/9/1999-01-01/nope"]) {
      const reply = await nest.call(path, undefined, { method: "OPTIONS" });
      expect({ status: reply.status, raw: reply.raw }, path).toEqual({ status: 204, raw: "" });
    }
  });

  test("J7: a version that is not a date is not_found", async () => {
    expect(await code("/1/latest/list_news_items", { client_id: "x" })).toBe("not_found");
  });

  test("J8: an unknown date is version_not_supported", async () => {
    expect(await code("/1/1999-01-01/list_news_items", { client_id: "x" })).toBe("version_not_supported");
  });

  test("J9: another major version is unknown_version and names the supported one", async () => {
    const reply = await nest.call("/2/2020-12-14/list_news_items", { client_id: "x" });
    expect(reply.body).toEqual({ code: "unknown_version", meta: { supported_version: "1" } });
    expect(await code("/2/webhook/stripe", {})).toBe("unknown_version");
  });

  test("J10: an unknown method, and a method at a date before its introduction, is not_found", async () => {
    expect(await code(`${V1}nope`, {})).toBe("not_found");
    expect(await code(`${V1}get_user`, { user_id: "x" })).toBe("not_found");
    expect(await code(`${V1}create_trial_and_magic_link`, linkRequest())).toBe("not_found");
  });

  test("J11: a later version serves the methods of earlier ones", async () => {
    const reply = await nest.call(`${V2}list_news_items`, { client_id: "x" });
    expect({ status: reply.status, body: reply.body }).toEqual({ status: 200, body: [] });
  });

  test("J12: a missing body is body_missing, and malformed JSON an error without a stack trace", async () => {
    expect(await code(`${V1}list_news_items`)).toBe("body_missing");
    expect(await code(`${V1}list_news_items`, "")).toBe("body_missing");
    const reply = await nest.call(`${V1}list_news_items`, "{oops");
    expect({ status: reply.status, raw: reply.raw }).toEqual({
      status: 400,
      raw: '{"code":"malformed_json"}',
    });
  });

  test("J13: a missing property is reported in the form that old clients parse", async () => {
    const reply = await nest.call(`${V1}list_news_items`, {});
    const meta = { path: [], message: 'requires property "client_id"', name: "required" };
    expect(reply.body).toEqual({
      code: "validation_failed",
      meta,
      reasons: [{ code: "validation_failed", meta }],
    });
  });

  test("J14: an unknown property is refused by name", async () => {
    const zig = await nest.call(`${V1}list_news_items`, { client_id: "x", zig: 1 });
    expect(zig.body.meta.message).toBe('is not allowed to have the additional property "zig"');
    const camel = await nest.call(`${V1}list_news_items`, { clientId: "x" });
    expect(camel.body.meta.message).toBe('is not allowed to have the additional property "clientId"');
  });

  test.each(["constructor", "toString", "__proto__", "hasOwnProperty"])(
    "J15: %s is no method",
    async (name) => {
      const reply = await nest.call(`${V1}${name}`, {});
      expect({ status: reply.status, body: reply.body }).toEqual({
        status: 404,
        body: { code: "not_found" },
      });
    },
  );

  test.each([
    ["GET", "/", "not_found"],
    ["OPTIONS", "/", "not_found"],
    ["POST", "/1/2020-12-14", "not_found"],
    ["POST", "/1/2020-12-14/", "malformed_url"],
    ["POST", "/1/webhook/", "malformed_url"],
    ["POST", "/1/webhook/paypal", "unknown_webhook_provider"],
    ["GET", "/1/webhook/stripe", "method_not_supported"],
    ["OPTIONS", "/1/webhook/stripe", "method_not_supported"],
    ["PUT", "/1/1999-01-01/x", "method_not_supported"],
    ["GET", "/2/2020-12-14/x", "method_not_supported"],
    ["PUT", "/2/webhook/stripe", "method_not_supported"],
    ["POST", "/2/1999-01-01/x", "unknown_version"],
    ["POST", "/2/2020-12-14/", "unknown_version"],
    ["POST", "/1/1999-01-01/x", "version_not_supported"],
    ["POST", "/1/2020-12-14/list_news_items/", "not_found"],
    ["POST", "/1/2020-12-14/LIST_NEWS_ITEMS", "not_found"],
  ])("A7: %s %s is %s", async (method, path, expected) => {
    expect(await code(path, { client_id: "x" }, method)).toBe(expected);
  });

  test("responds at /health and publishes no private key in the JWKS", async () => {
    const health = await nest.call("/health", undefined, { method: "GET" });
    expect({ status: health.status, body: health.body }).toEqual({ status: 200, body: { status: "ok" } });
    const jwks = await nest.call("/.well-known/jwks.json", undefined, { method: "GET" });
    expect(jwks.headers["cache-control"]).toBe("public, max-age=300");
    expect(jwks.body.keys).toHaveLength(2);
    for (const key of jwks.body.keys)
      expect(Object.keys(key).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
  });

  test("refuses a body over 64 KiB, whatever its content", async () => {
    const reply = await nest.call(`${V1}list_news_items`, "x".repeat(64 * 1024 + 1));
    expect({ status: reply.status, code: reply.body.code }).toEqual({ status: 413, code: "body_too_large" });
  });

  test("refuses invalid UTF-8 and accepts a base64 body", async () => {
    const [before, after] = [Buffer.from('{"client_id":"'), Buffer.from('"}')];
    for (const bytes of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xc0, 0xaf]]) {
      const body = Buffer.concat([before, Buffer.from(bytes), after]);
      expect((await nest.call(`${V1}list_news_items`, body)).body).toEqual({ code: "malformed_json" });
    }
    const headers = { "content-type": "application/octet-stream" };
    const base64 = await nest.call(`${V1}list_news_items`, { client_id: "x" }, { headers });
    expect(base64.status).toBe(200);
  });

  test("reports every failing field, objects first, then fields in the schema's order", async () => {
    const body = linkRequest({
      state: "",
      client_id: 7,
      zig: 1,
      device: { platform: "web", beak_id: "b", other: 1 },
    });
    delete body.redirect_uri;
    const reply = await nest.call(`${V1}send_magic_link`, body);
    expect(
      reply.body.reasons.map(({ meta }: { meta: { path: string[]; name: string } }) => [
        meta.name,
        ...meta.path,
      ]),
    ).toEqual([
      ["additionalProperties"],
      ["required"],
      ["type", "client_id"],
      ["minLength", "state"],
      ["additionalProperties", "device"],
      ["required", "device"],
      ["enum", "device", "platform"],
    ]);
  });
});
