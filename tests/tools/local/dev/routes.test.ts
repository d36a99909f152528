import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "#core/clock.ts";
import type { OpenCore } from "#core/core.ts";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { jobRoutes } from "#tools/local/dev/job_routes.ts";
import { mailRoutes } from "#tools/local/dev/mail_routes.ts";
import { stripeRoutes } from "#tools/local/dev/stripe_routes.ts";
import { openGateway } from "#tools/local/gateway.ts";
import { localEnvironment, makeSecrets } from "#tools/local/secrets.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

test("returns not_found for an unknown path, and 405 with the allowed methods for a wrong method", async () => {
  for (const path of ["/dev", "/dev/", "/dev/stripe/", "/dev/stripe/subscriptions/a/b", "/dev/nothing"]) {
    const { status, body } = await stack.ask("GET", path);
    expect({ status, body }, path).toEqual({ status: 404, body: { code: "not_found" } });
  }
  const { status, body, headers } = await stack.ask("POST", "/dev/inbox", {});
  expect({ status, body }).toEqual({ status: 405, body: { code: "method_not_supported" } });
  expect(headers.get("allow")).toBe("GET, DELETE");
  const one = await stack.ask("GET", "/dev/stripe/subscriptions/sub_1");
  expect(one.status).toBe(405);
  expect(one.headers.get("allow")).toBe("PATCH, DELETE");
});

test("rejects cross-origin requests", async () => {
  const change = { advance_days: 30 };
  const foreign = await stack.ask("POST", "/dev/stripe/clock", change, { origin: "https://evil.example" });
  expect({ status: foreign.status, body: foreign.body }).toEqual({
    status: 403,
    body: { code: "access_denied" },
  });
  expect((await stack.ask("GET", "/dev/stripe")).body.ahead_seconds).toBe(0);
  const own = await stack.ask("POST", "/dev/stripe/clock", { advance_days: 0 }, { origin: stack.api.url });
  expect(own.status).toBe(200);
});

test("docs/local_stack.md lists every route", async () => {
  const page = await readFile(new URL("../../../../docs/local_stack.md", import.meta.url), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  const missing = [
    ...mailRoutes({ ses: stack.ses, sendEvent: async () => undefined }),
    ...stripeRoutes(stack.stripe, { list: async () => [] }),
    ...jobRoutes([], {} as OpenCore, systemClock),
  ].filter(({ method, path }) => {
    const shown = path.replace(":id", path.startsWith("/dev/jobs/") ? "<name>" : "<id>");
    return !rows.some((row) => row.includes(`${shown}\``) && row.includes(method));
  });
  expect(missing.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
});

test.each([
  [{ calls: 1, kind: "explode" }, "validation_failed"],
  [{ kind: "error" }, "validation_failed"],
  [{ calls: 1, every: true }, "validation_failed"],
  ["{", "malformed_json"],
  [undefined, "body_missing"],
])("POST /dev/mail/faults refuses %j", async (fault, code) => {
  const { status, body } = await stack.ask("POST", "/dev/mail/faults", fault);
  expect({ status, code: body.code }).toEqual({ status: 400, code });
});

test("the API has no path under /dev", async () => {
  const environment = localEnvironment(await makeSecrets(), {
    issuer: "https://nest.test",
    mongoUri: freshDatabaseUri(),
    sesUrl: stack.ses.url,
    stripe: stack.stripe,
  });
  const gateway = await openGateway(environment, { write: () => undefined });
  for (const [method, path] of [
    ["GET", "/dev/status"],
    ["GET", "/dev/stripe"],
    ["POST", "/dev/stripe/clock"],
    ["POST", "/dev/stripe/faults"],
  ] as const) {
    const { statusCode, body } = await gateway.invoke({ method, path, headers: {}, ip: "203.0.113.9" });
    expect({ statusCode, body }, path).toEqual({ statusCode: 404, body: '{"code":"not_found"}' });
  }
  await gateway.close();
});
