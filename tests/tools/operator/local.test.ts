import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runCli } from "#tests/support/cli.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { operatorEnvironment } from "#tools/local/secrets.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

const port = () => new URL(stack.api.url).port;

test("--local works on the database and the Stripe of the running stack, whatever the environment says", async () => {
  const elsewhere = { PORT: port(), MONGODB_URI: "mongodb://127.0.0.1:9/elsewhere" };
  const checked = await runCli(["--local", "db", "check"], elsewhere);
  expect(checked).toMatchObject({ status: 0, printed: expect.stringContaining("Every index is there") });
  await stack.ask("POST", "/dev/stripe/subscriptions", { email: "ada@example.com" });
  // Stripe's event arrives in its own time.
  await vi.waitFor(async () => {
    const shown = await runCli(["users", "show", "ada@example.com", "--local"], elsewhere);
    expect(shown).toMatchObject({ status: 0, printed: expect.stringContaining("active until") });
  });
  expect(await runCli(["--local", "stripe", "reconcile"], elsewhere)).toMatchObject({ status: 0 });
});

test("where no stack runs it says so, and touches nothing that the environment names", async () => {
  const { status, printed } = await runCli(["--local", "db", "setup"], {
    PORT: "9",
    MONGODB_URI: "mongodb://127.0.0.1:9/x",
  });
  expect({ status, printed }).toEqual({
    status: 1,
    printed: expect.stringMatching(/^No local stack answers at http:\/\/localhost:9:/),
  });
});

test("what it is given holds no key that signs or opens anything, and no key of a real Stripe", async () => {
  const { body } = await stack.ask("GET", "/dev/environment");
  expect(
    Object.keys(body)
      .filter((name) => /KEY|SECRET/.test(name))
      .sort(),
  ).toEqual(["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"]);
  const real = operatorEnvironment({ ...body, STRIPE_SECRET_KEY: "sk_test_real" }, "test");
  expect(Object.keys(real).filter((name) => /KEY|SECRET/.test(name))).toEqual([]);
});

test("what SES tells of a mail can be played: an address that bounced gets none", async () => {
  expect((await stack.ask("POST", "/dev/mail/returned", { to: "bounced@example.com" })).status).toBe(204);
  const { printed } = await runCli(["--local", "mail", "show", "bounced@example.com"], { PORT: port() });
  expect(printed).toMatch(/^It gets no mail until/);
  for (const wrong of [{}, { to: "" }, { to: "a@example.com", kind: "lost" }])
    expect((await stack.ask("POST", "/dev/mail/returned", wrong)).status).toBe(400);
});
