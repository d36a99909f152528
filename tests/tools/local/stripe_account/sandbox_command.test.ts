import { expect, inject, test } from "vitest";
import { runProgram } from "#tests/support/program.ts";
import { expectInvalidTraffic } from "#tests/support/stripe_traffic_check.ts";
import { startAppStripeDouble } from "#tools/local/stripe_account/app_double.ts";

const NEST = "tools/operator/nest.ts";
const SANDBOX = ["stripe", "sandbox"];

test("stripe sandbox without a key reports in one line why it was skipped, and exits with 0", async () => {
  const { status, printed } = await runProgram(NEST, SANDBOX, { STRIPE_CONTRACT_KEY: "" }).ended;
  expect({ status, printed }).toEqual({
    status: 0,
    printed: "Skipped: STRIPE_CONTRACT_KEY is not set to the key of a Stripe sandbox (sk_test_...).\n",
  });
});

test.each(["sk_live_1", "hunter2"])("stripe sandbox with %s as key sends no request", async (key) => {
  const double = await startAppStripeDouble();
  const given = { STRIPE_CONTRACT_KEY: key, STRIPE_URL: double.url };
  const { status, printed } = await runProgram(NEST, SANDBOX, given).ended;
  expect([status, printed.trim().split("\n")]).toEqual([
    1,
    [expect.stringMatching(/^STRIPE_CONTRACT_KEY is .*: it must start with sk_test_ or rk_test_\.$/)],
  ]);
  expect(printed).not.toContain(key);
  expect(double.requests).toEqual([]);
  await double.close();
});

test("stripe sandbox with a key runs the contract tests in that account and deletes what they created", async () => {
  // A double in place of the sandbox. The run knows only its key.
  const double = await startAppStripeDouble();
  const run = runProgram(NEST, SANDBOX, {
    STRIPE_CONTRACT_KEY: double.secretKey,
    STRIPE_URL: double.url,
    MONGODB_URI: inject("mongoUri"),
    NO_COLOR: "1",
  });
  const { status, printed } = await expectInvalidTraffic(() => run.ended);
  expect(printed).toMatch(/Test Files {2}2 passed/);
  expect(printed).toMatch(/a Stripe sandbox/);
  expect(printed).not.toContain(double.secretKey);
  expect(status).toBe(0);
  const made = double.requests.filter(
    ({ method, path }) => method === "POST" && path === "/v1/subscriptions",
  );
  expect(made.length).toBeGreaterThan(10);
  const living = double
    .subscriptions()
    .filter(({ status }) => !["canceled", "incomplete_expired"].includes(status));
  expect(living).toEqual([]);
  expect(double.customers().every((customer) => "deleted" in customer && customer.deleted)).toBe(true);
  const list = async (path: string) => {
    const headers = { authorization: `Bearer ${double.secretKey}` };
    return ((await (await fetch(`${double.url}/v1/${path}`, { headers })).json()) as { data: object[] }).data;
  };
  expect(await list("test_helpers/test_clocks")).toEqual([]);
  // The catalog that the double starts with.
  expect(await list("prices?active=true")).toMatchObject([{ id: "price_1JhiGIATHKHpwoLyyxI5cCKU" }]);
  expect(await list("products?active=true")).toMatchObject([{ id: "prod_beak" }]);
  await double.close();
}, 240_000);
