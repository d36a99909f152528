import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runCli } from "#tests/support/cli.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { linkRequest, V1 } from "#tests/support/nest.ts";
import { operatorEnvironment } from "#tools/local/secrets.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** For a busy machine. */
const WAIT = { timeout: 60_000 };

const port = () => new URL(stack.api.url).port;

test("--local uses the database and Stripe of the running local stack, whatever the environment says", async () => {
  const elsewhere = { PORT: port(), MONGODB_URI: "mongodb://127.0.0.1:9/elsewhere" };
  const checked = await runCli(["--local", "db", "check"], elsewhere);
  expect(checked).toMatchObject({ status: 0, printed: expect.stringContaining("Every index exists") });
  await stack.ask("POST", "/dev/stripe/subscriptions", { email: "ada@example.com" });
  // The event of the Stripe double arrives asynchronously.
  await vi.waitFor(async () => {
    const shown = await runCli(["users", "show", "ada@example.com", "--local"], elsewhere);
    expect(shown).toMatchObject({ status: 0, printed: expect.stringContaining("active until") });
  }, WAIT);
  expect(await runCli(["--local", "stripe", "reconcile"], elsewhere)).toMatchObject({ status: 0 });
});

test("--local without a running stack fails with a hint and does not touch the environment's database", async () => {
  const { status, printed } = await runCli(["--local", "db", "setup"], {
    PORT: "9",
    MONGODB_URI: "mongodb://127.0.0.1:9/x",
  });
  expect({ status, printed }).toEqual({
    status: 1,
    printed: expect.stringMatching(/^No local stack responds at http:\/\/localhost:9\. Start one/),
  });
});

test("the local stack hands out no signing key, no internal key and no real Stripe key", async () => {
  const { body } = await stack.ask("GET", "/dev/environment");
  expect(
    Object.keys(body)
      .filter((name) => /KEY|SECRET/.test(name))
      .sort(),
  ).toEqual(["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"]);
  const real = operatorEnvironment({ ...body, STRIPE_SECRET_KEY: "sk_test_real" }, "test");
  expect(Object.keys(real).filter((name) => /KEY|SECRET/.test(name))).toEqual([]);
});

test("a simulated bounce of SES suppresses mail to the address", async () => {
  const link = linkRequest({ identifier_value: "bounced@example.com" });
  expect((await stack.ask("POST", `${V1}send_magic_link`, link)).status).toBe(204);
  expect((await stack.ask("POST", "/dev/mail/returned", { to: "bounced@example.com" })).status).toBe(204);
  const { printed } = await runCli(["--local", "mail", "show", "bounced@example.com"], { PORT: port() });
  expect(printed).toMatch(/^Mail to bounced@example\.com is suppressed until/);
  for (const wrong of [{}, { to: "" }, { to: "a@example.com", kind: "lost" }])
    expect((await stack.ask("POST", "/dev/mail/returned", wrong)).status).toBe(400);
});
