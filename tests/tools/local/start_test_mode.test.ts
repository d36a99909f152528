import { expect, test, vi } from "vitest";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { linkRequest } from "#tests/support/nest.ts";
import { runProgram, temporaryFolder } from "#tests/support/program.ts";
import { startAppStripeDouble } from "#tools/local/stripe_account/app_double.ts";
import { freePort } from "#tools/machine/child_process.ts";

const START = "tools/local/start.ts";

test("npm start with a test mode key creates trials in that account and processes its events", async () => {
  await using folder = await temporaryFolder();
  // Stands in for an account in test mode, which can't send webhooks to this machine.
  const stripe = await startAppStripeDouble();
  const mongoUri = freshDatabaseUri();
  const program = runProgram(START, [], {
    PORT: String(await freePort()),
    NEST_DATA_DIR: folder.path,
    MONGODB_URI: mongoUri,
    STRIPE_SECRET_KEY: stripe.secretKey,
    STRIPE_URL: stripe.url,
    STRIPE_PRICE_ID: "price_1JhiGIATHKHpwoLyyxI5cCKU",
    STRIPE_PRODUCT_IDS: "prod_beak",
  });
  const [, url = ""] = await program.until(/Nest is at (http:\S+)/);
  expect(program.printed()).toContain("Stripe: the test mode of your account");
  const { stripe: reported } = (await (await fetch(`${url}/dev/status`)).json()) as { stripe: object };
  expect(reported).toEqual({
    mode: "test",
    url: stripe.url,
    secret_key: null,
    webhook_secret: expect.stringMatching(/^whsec_\w{32,}$/),
  });

  const body = JSON.stringify(linkRequest());
  const trial = await fetch(`${url}/1/2021-10-06/create_trial_and_magic_link`, { method: "POST", body });
  expect(trial.status).toBe(204);
  expect(stripe.subscriptions()).toMatchObject([{ status: "trialing" }]);
  const subjects = async () =>
    ((await (await fetch(`${url}/dev/inbox`)).json()) as { subject: string }[]).map(({ subject }) => subject);
  // The program polls for events by itself.
  await vi.waitFor(async () => expect(await subjects()).toContain("Your Beak Trial has begun!"), {
    timeout: 60_000,
    interval: 200,
  });

  program.process.kill("SIGTERM");
  const { status, printed } = await program.ended;
  expect(status).toBe(0);
  expect(printed).not.toContain(stripe.secretKey);
  await stripe.close();
});

test.each([
  [
    "a live key",
    { STRIPE_SECRET_KEY: "sk_live_1" },
    "STRIPE_SECRET_KEY is a live key, which is not allowed here",
  ],
  ["a key of another kind", { STRIPE_SECRET_KEY: "pk_test_1" }, "STRIPE_SECRET_KEY"],
])("npm start with %s fails with one line", async (_what, environment, line) => {
  await using folder = await temporaryFolder();
  const given = { PORT: String(await freePort()), NEST_DATA_DIR: folder.path, ...environment };
  const { status, printed } = await runProgram(START, [], given).ended;
  expect(status).toBe(1);
  expect(printed).toContain(line);
  expect(printed.trim().split("\n")).toHaveLength(1);
  expect(printed).not.toContain(environment.STRIPE_SECRET_KEY);
});
