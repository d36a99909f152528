import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { pass, removeTrials } from "#tests/support/trial_removal.ts";

/** Resources of Stripe's restricted keys by the path of a request; the first match counts. */
const RESOURCES: readonly (readonly [RegExp, string])[] = [
  [/^\/v1\/(customers\/\w+\/)?payment_methods/, "Payment methods"],
  [/^\/v1\/customers/, "Customers"],
  [/^\/v1\/subscriptions/, "Subscriptions"],
  [/^\/v1\/(invoices|invoice_payments)/, "Invoices"],
  [/^\/v1\/refunds/, "Refunds"],
  [/^\/v1\/charges/, "Charges"],
  [/^\/v1\/payment_intents/, "Payment intents"],
  [/^\/v1\/disputes/, "Disputes"],
  [/^\/v1\/billing_portal/, "Customer portal"],
];

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({ environment: { TRIAL_CARD_POLICY: "flag" } });
});
afterAll(() => nest.stop());

/** What docs/security/measures.md says that a function needs. */
async function documented(name: string): Promise<{ write: string[]; read: string[] }> {
  const page = await readFile("docs/security/measures.md", "utf8");
  const [, write = "", read = ""] =
    new RegExp(`^\\| \`${name}\` \\| (.*) \\| (.*) \\|$`, "m").exec(page) ?? [];
  const list = (cell: string) =>
    cell
      .replace(/ \(.*?\)/g, "")
      .split(", ")
      .filter((resource) => resource !== "none");
  return { write: list(write), read: list(read) };
}

/** Requests that the functions sent since the last call. */
function takeRequests(): string[] {
  const sent = nest.stripe.requests.splice(0);
  return sent.map(({ method, path }) => {
    const resource = RESOURCES.find(([pattern]) => pattern.test(path))?.[1] ?? path;
    return `${method === "GET" ? "read" : "write"} ${resource}`;
  });
}

async function expectDocumented(name: string): Promise<void> {
  const { write, read } = await documented(name);
  const allowed = [
    ...write.flatMap((one) => [`write ${one}`, `read ${one}`]),
    ...read.map((one) => `read ${one}`),
  ];
  const sent = new Set(takeRequests());
  expect(sent.size).toBeGreaterThan(0);
  expect([...sent].filter((request) => !allowed.includes(request))).toEqual([]);
}

const claim = (identifier_value: string) =>
  nest.call(
    `${V2}create_trial_and_magic_link`,
    linkRequest({
      identifier_value,
      device: { platform: "mac", beak_id: identifier_value, fingerprint: identifier_value },
    }),
  );

test("create_trial_and_magic_link needs no permission of the Stripe key beyond the documented ones", async () => {
  const { id } = nest.stripe.createSubscription({ email: "paid@example.com" });
  await nest.deliverEvents();
  nest.stripe.cancelSubscription(id);
  await nest.deliverEvents();
  takeRequests();
  await claim("paid@example.com");
  expect((await claim("new@example.com")).status).toBe(204);
  await expectDocumented("create_trial_and_magic_link");
});

test("get_subscription_status needs no permission of the Stripe key beyond the documented ones", async () => {
  nest.stripe.createSubscription({ email: "status@example.com" });
  await nest.deliverEvents();
  const { user_id, access_token } = await nest.signIn("status@example.com");
  takeRequests();
  const { body } = await nest.call(`${V2}get_subscription_status`, { user_id }, { bearer: access_token });
  expect(body.billing_portal_url ?? body.url).toEqual(expect.any(String));
  expect((await claim("used@example.com")).status).toBe(204);
  await nest.deliverEvents();
  nest.clock.advance(60);
  const user = await nest.signIn("used@example.com");
  takeRequests();
  await nest.call(`${V2}get_subscription_status`, { user_id: user.user_id }, { bearer: user.access_token });
  await expectDocumented("get_subscription_status");
});

test("stripe_webhook needs no permission of the Stripe key beyond the documented ones", async () => {
  takeRequests();
  const { id: kept } = nest.stripe.createSubscription({ email: "bought@example.com" });
  await nest.deliverEvents();
  nest.clock.advance(5);
  const { id: changed } = nest.stripe.createSubscription({ email: "bought@example.com" });
  // An invoice with more lines than Stripe's response contains.
  const item = nest.stripe.subscriptions().find(({ id }) => id === changed)?.items.data[0]?.id;
  for (const quantity of [2, 3, 4, 5, 6, 7])
    nest.stripe.updateSubscription(changed, {
      items: [{ id: item, quantity }],
      proration_behavior: quantity === 7 ? "always_invoice" : "create_prorations",
    });
  nest.stripe.createSubscription({ email: "trial@example.com", status: "trialing" });
  nest.stripe.createSubscription({ email: "late@example.com", status: "past_due" });
  await nest.deliverEvents();
  nest.stripe.dispute(kept);
  await nest.deliverEvents();
  expect(nest.stripe.refunds().length).toBeGreaterThan(0);
  expect(nest.stripe.requests.map(({ path }) => path)).toContainEqual(
    expect.stringMatching(/^\/v1\/invoices\/\w+\/lines$/),
  );
  await expectDocumented("stripe_webhook");
});

test("remove_unredeemed_trials needs no permission of the Stripe key beyond the documented ones", async () => {
  const addresses = ["removed@example.com", "keeps_a_card@example.com", "lost_response@example.com"];
  for (const address of addresses) {
    if (address.startsWith("lost")) nest.stripe.fault({ calls: 9, kind: "lost", on: "POST /v1/customers" });
    await claim(address);
  }
  nest.stripe.clear();
  await nest.deliverEvents();
  await pass(nest, 50 * DAY);
  const customerOf = (address: string) =>
    nest.stripe.customers().filter((customer) => "email" in customer && customer.email === address);
  const [kept] = customerOf("keeps_a_card@example.com");
  nest.stripe.attachCard(String(kept?.id));
  takeRequests();
  await removeTrials(nest);
  const left = addresses.map((address) => customerOf(address).length);
  expect(left).toEqual([0, 1, 0]);
  await expectDocumented("remove_unredeemed_trials");
});
