import Stripe from "stripe";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import type { DoubleEvent } from "#stripe_double/types.ts";
import { runCli } from "#tests/support/cli.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { localEnvironment } from "#tools/local/secrets.ts";

const ADA = "ada@example.com";
const URL = "https://nest.example/1/webhook/stripe";
const DAY = 86_400;

let nest: TestNest;
let sdk: Stripe;
beforeEach(async () => {
  nest = await startNest();
  const { host, port } = nest.stripe;
  sdk = new Stripe(nest.stripe.secretKey, { host, port, protocol: "http", maxNetworkRetries: 0 });
});
afterEach(() => nest.stop());

/** Runs the program with an operator's variables, without a signing key. Its output must contain no personal data. */
async function run(args: string, change: Record<string, string> = {}) {
  const all = localEnvironment(nest.secrets, {
    issuer: "https://nest.test",
    mongoUri: nest.mongoUri,
    sesUrl: nest.ses.url,
    stripe: nest.stripe,
  });
  const keys = { SIGNING_KEYS: "", REFRESH_KEYS: "", INTERNAL_KEYS: "", RATE_LIMIT_KEY: "" };
  const words = args.split(" ").filter(Boolean);
  const ended = await runCli(words, { ...all, ...keys, ...change });
  expect(ended.printed).not.toMatch(/@|sk_test|\n\s+at /);
  return ended;
}

const eventsOf = (id: string) =>
  nest.stripe.events().filter(({ data }) => (data.object as { id: string }).id === id);
const created = (id: string): DoubleEvent => {
  const event = eventsOf(id).find(({ type }) => type === "customer.subscription.created");
  if (!event) throw new Error(`nothing was sent about ${id}`);
  return event;
};
const row = (id: string) => nest.collection("stripe-events").findOne({ _id: id });
const stored = (id: string) => nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
/** Moves the timestamps of a document some days into the past. */
function ago<Result>(days: number, work: () => Result): Result {
  nest.clock.advance(-days * DAY);
  const result = work();
  nest.clock.advance(days * DAY);
  return result;
}

describe("usage", () => {
  test.each(["", "stripe", "stripe dance", "paypal check", "stripe constructor"])(
    "`%s` prints the usage and exits with 2",
    async (args) => {
      const { status, printed } = await run(args);
      expect(status).toBe(2);
      expect(printed).toMatch(/Usage: nest|error: /);
    },
  );

  test("help lists every command with an example", async () => {
    const { status, printed } = await run("stripe --help");
    expect(status).toBe(0);
    for (const name of ["setup", "check", "replay", "reconcile", "refunds", "sandbox"]) {
      expect(printed).toContain(name);
      const help = await run(`stripe ${name} --help`);
      expect({ status: help.status, printed: help.printed }).toEqual({
        status: 0,
        printed: expect.stringContaining(`npm run nest -- stripe ${name}`),
      });
    }
  });

  test.each([
    "stripe replay",
    "stripe replay --failed --since 2026-01-01",
    "stripe replay evt_1 --failed",
    "stripe replay sub_1",
    "stripe replay --since yesterday",
    "stripe setup",
    "stripe setup --url http://nest.example/1/webhook/stripe",
    "stripe check --url https://nest.example/",
    "stripe reconcile --apply --dry-run",
    "stripe reconcile --force",
  ])("`%s` reports the mistake and exits with 2", async (args) => {
    const { status, printed } = await run(args);
    expect({ status, printed }).toEqual({ status: 2, printed: expect.stringContaining("Add --help") });
    expect(nest.stripe.requests).toEqual([]);
  });

  test("lists missing variables in one line, without a value", async () => {
    const lacking = { STRIPE_SECRET_KEY: "hunter2", STRIPE_PRICE_ID: "hunter2", MONGODB_URI: "" };
    for (const [args, names] of [
      ["stripe replay --failed", "MONGODB_URI, STRIPE_SECRET_KEY, STRIPE_PRICE_ID"],
      [`stripe check --url ${URL}`, "STRIPE_SECRET_KEY, STRIPE_PRICE_ID"],
      [`stripe setup --url ${URL}`, "STRIPE_SECRET_KEY"],
    ]) {
      const { status, printed } = await run(args ?? "", lacking);
      expect(status).toBe(1);
      expect(printed).toContain(`environment variables: ${names}.`);
      expect(printed.trim().split("\n")).toHaveLength(1);
      expect(printed).not.toContain("hunter2");
    }
  });

  test("refuses a test key in production before anything is read or stored", async () => {
    for (const args of ["stripe reconcile --apply", "stripe replay --failed", `stripe setup --url ${URL}`]) {
      const { status, printed } = await run(args, { STAGE: "prod", STRIPE_URL: "" });
      expect({ status, printed }).toEqual({
        status: 1,
        printed: expect.stringContaining("STRIPE_SECRET_KEY (a test key with STAGE=prod)"),
      });
    }
  });

  test("reports a key that Stripe refuses and an unreachable database in one line", async () => {
    const refused = await run(`stripe check --url ${URL}`, { STRIPE_SECRET_KEY: "sk_live_other" });
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.printed).toMatch(/^stripe_error \(Stripe: StripeAuthenticationError .*401\)$/m);
    const lost = await run("stripe replay --failed", { MONGODB_URI: "mongodb://127.0.0.1:1/nest" });
    expect([lost.status, lost.printed.trim()]).toEqual([
      1,
      expect.stringMatching(/^unavailable \(Mongo\w+\)$/),
    ]);
  });
});

describe("replay", () => {
  test("--failed processes failed and interrupted events, oldest first, and prints the outcome of each", async () => {
    const one = nest.stripe.createSubscription({ email: ADA });
    nest.ses.fault({ calls: 1, kind: "error" });
    await nest.webhook(created(one.id));
    const two = nest.stripe.createSubscription({ email: "grace@example.com", trialDays: 14 });
    await nest.webhook(created(two.id));
    const lapsed = { status: "processing", leasedUntil: "2020-01-01T00:00:00.000Z" };
    await nest.collection("stripe-events").updateOne({ _id: created(two.id).id }, { $set: lapsed });
    const nobody = nest.stripe.createSubscription({ email: null });
    await nest.webhook(created(nobody.id));

    const { status, printed } = await run("stripe replay --failed");
    const type = "customer.subscription.created";
    const lines = printed.split("\n").filter((line) => line.startsWith("evt_"));
    expect(lines).toHaveLength(3);
    expect(new Set(lines)).toEqual(
      new Set([
        `${created(one.id).id}  ${type}  done`,
        `${created(two.id).id}  ${type}  done`,
        `${created(nobody.id).id}  ${type}  failed: customer_email_missing`,
      ]),
    );
    expect(printed).toContain("3 events: 2 done, 0 ignored, 1 failed, 0 already processed.");
    expect(status).toBe(1);
    expect(await row(created(one.id).id)).toMatchObject({ status: "done", attempt: 2 });
    expect(nest.mailSubjects().sort()).toEqual(["Welcome to Beak!", "Your Beak Trial has begun!"]);

    await nest.collection("stripe-events").deleteMany({ status: "failed" });
    expect(await run("stripe replay --failed")).toMatchObject({ status: 0 });
  });

  test("an event about a buyer with an unusable address is processed once the address was changed", async () => {
    const { id, customer } = nest.stripe.createSubscription({ email: "user..name@example.com" });
    expect((await nest.webhook(created(id))).status).toBe(200);
    const failed = await run("stripe replay --failed");
    expect(failed).toMatchObject({ status: 1, printed: expect.stringContaining("failed: unusable_address") });
    const headers = { authorization: `Bearer ${nest.stripe.secretKey}` };
    const body = new URLSearchParams({ email: ADA });
    await fetch(`${nest.stripe.url}/v1/customers/${customer}`, { method: "POST", headers, body });
    expect(await run("stripe replay --failed")).toMatchObject({ status: 0 });
    expect(await stored(id)).toMatchObject({ status: "active" });
    expect(nest.mailSubjects()).toEqual(["Welcome to Beak!"]);
  });

  test("an event id is processed again even if it is done, and fetched from Stripe if the ledger lacks it", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    const event = created(id);
    await nest.webhook(event);
    expect(await run(`stripe replay ${event.id}`)).toMatchObject({ status: 0 });
    expect(await row(event.id)).toMatchObject({ status: "done", attempt: 2 });
    expect(nest.mailSubjects()).toEqual(["Welcome to Beak!"]);

    await nest.collection("subscriptions").deleteMany({});
    await nest.collection("stripe-events").deleteMany({});
    const { status, printed } = await run(`stripe replay ${event.id} evt_nowhere`);
    expect(status).toBe(1);
    expect(printed).toContain(`${event.id}  customer.subscription.created  done`);
    expect(printed).toContain("evt_nowhere  -  failed: not_found (unknown to the ledger and to Stripe)");
    expect(await row(event.id)).toMatchObject({ status: "done", attempt: 1 });
    expect(await stored(id)).toMatchObject({ status: "active" });
  });

  test("an event of another mode than the operator's key stays failed instead of being ignored", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    await nest.webhook({ ...created(id), livemode: true });
    for (const which of ["--failed", created(id).id]) {
      const { status, printed } = await run(`stripe replay ${which}`);
      expect({ status, printed }).toEqual({
        status: 1,
        printed: expect.stringContaining("of different modes"),
      });
      expect(await row(created(id).id)).toMatchObject({ status: "failed", reason: "stripe_error" });
    }
    expect(await stored(id)).toBeNull();
  });

  test("an event under another worker's lease is left alone", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA });
    await nest.webhook(created(id));
    const held = { status: "processing", leasedUntil: "2999-01-01T00:00:00.000Z" };
    await nest.collection("stripe-events").updateOne({ _id: created(id).id }, { $set: held });
    const { status, printed } = await run(`stripe replay ${created(id).id}`);
    expect({ status, printed }).toEqual({
      status: 1,
      printed: expect.stringContaining("failed: unavailable"),
    });
    expect(await row(created(id).id)).toMatchObject({ status: "processing", attempt: 1 });
  });

  test("refunds a late payment of a rejected subscription from the ledger alone", async () => {
    nest.stripe.createSubscription({ email: ADA });
    nest.clock.advance(5);
    const second = nest.stripe.createSubscription({ email: ADA, card: { processes: true } });
    await nest.deliverEvents();
    nest.stripe.settlePayment(second.id, "succeeded");
    nest.stripe.fault({ calls: 9, kind: "error" });
    await nest.deliverEvents();
    nest.stripe.fault({ calls: 0, kind: "none" });
    expect(nest.stripe.refunds()).toEqual([]);
    nest.stripe.clear();
    expect(await run("stripe replay --failed")).toMatchObject({ status: 0 });
    expect(nest.stripe.refunds()).toMatchObject([{ amount: 499 }]);
    expect(nest.stripe.requests.map(({ path }) => path)).not.toContain("/v1/events");
  });

  test("--since processes all of Stripe's list, oldest first, and skips processed events", async () => {
    const before = ago(3, () => nest.stripe.createSubscription({ email: "old@example.com" }));
    const known = nest.stripe.createSubscription({ email: "grace@example.com" });
    await nest.webhook(created(known.id));
    const { id } = nest.stripe.createSubscription({ email: ADA });
    nest.stripe.updateSubscription(id, { cancel_at_period_end: true });
    const emitted = Array.from({ length: 120 }, (_, n) =>
      nest.stripe.emit("payment_intent.created", { id: `pi_${n}`, object: "payment_intent" }),
    );
    nest.stripe.emit("invoice.voided", { id: "in_1", object: "invoice" });

    const yesterday = new Date(Date.now() - DAY * 1000).toISOString();
    const { status, printed } = await run(`stripe replay --since ${yesterday}`);
    expect(status).toBe(0);
    const lines = printed.split("\n").filter((line) => line.startsWith("evt_"));
    const skipped = [created(known.id).id, ...eventsOf(before.id).map((event) => event.id)];
    for (const event of emitted) expect(await row(event.id)).toMatchObject({ status: "done" });
    const place = (type: string) => lines.findIndex((line) => line.includes(`${type}  done`));
    expect(place("subscription.created")).toBeLessThan(place("subscription.updated"));
    expect(printed).toMatch(/ 0 ignored, 0 failed, 1 already processed\./);
    expect(lines.some((line) => skipped.some((event) => line.includes(event)))).toBe(false);
    expect(printed).not.toContain("invoice.voided");
    expect(await stored(id)).toMatchObject({ cancelType: "period_end" });
    expect(await stored(before.id)).toBeNull();

    expect(await run("stripe replay --since 2020-01-01")).toMatchObject({
      status: 0,
      printed: expect.stringContaining("for 30 days"),
    });
    expect(await stored(before.id)).toMatchObject({ status: "active" });
  });
});

describe("setup and check", () => {
  test("setup creates the endpoint that check requires, shows its secret once, and refuses a second endpoint", async () => {
    const made = await run(`stripe setup --url ${URL}`);
    expect(made.status).toBe(0);
    expect(made.printed.match(/whsec_\w+/g)).toHaveLength(1);
    expect(made.printed).toContain("STRIPE_WEBHOOK_SECRETS");
    const { data } = await sdk.webhookEndpoints.list();
    expect(data).toMatchObject([{ url: URL, status: "enabled", api_version: Stripe.API_VERSION }]);
    expect([...(data[0]?.enabled_events ?? [])].sort()).toEqual([...STRIPE_EVENT_TYPES].sort());
    expect(STRIPE_EVENT_TYPES).toHaveLength(18);
    expect(await run(`stripe check --url ${URL}`)).toMatchObject({ status: 0 });

    const refused = await run(`stripe setup --url ${URL.replace("nest.", "NEST.")}`);
    expect({ status: refused.status, printed: refused.printed }).toEqual({
      status: 1,
      printed: expect.stringContaining(data[0]?.id ?? ""),
    });
    expect(refused.printed).not.toContain("whsec_");
    expect((await sdk.webhookEndpoints.list()).data).toHaveLength(1);
    expect(await run(`stripe setup --url ${URL.replace("nest.", "other.")}`)).toMatchObject({ status: 0 });
  });

  test("setup returns the secret on a retry if the first response was lost", async () => {
    nest.stripe.fault({ calls: 1, kind: "lost", on: "POST /v1/webhook_endpoints" });
    const { status, printed } = await run(`stripe setup --url ${URL}`);
    expect({ status, printed }).toEqual({ status: 0, printed: expect.stringMatching(/whsec_\w+/) });
    expect((await sdk.webhookEndpoints.list()).data).toHaveLength(1);
  });

  test("check lists every difference, and setup --update corrects the events and reports what remains", async () => {
    const absent = await run(`stripe check --url ${URL}`);
    expect({ status: absent.status, printed: absent.printed }).toEqual({
      status: 1,
      printed: expect.stringContaining("there is no endpoint"),
    });
    expect(await run(`stripe setup --url ${URL} --update`)).toMatchObject({ status: 1 });

    const [first, ...others] = STRIPE_EVENT_TYPES;
    const { id } = await sdk.webhookEndpoints.create({
      url: URL,
      enabled_events: [...others, "invoice.voided"],
      api_version: "2025-03-31.basil",
    });
    await sdk.webhookEndpoints.update(id, { disabled: true });
    const { status, printed } = await run(`stripe check --url ${URL}`);
    expect(status).toBe(1);
    expect(printed.split("\n").filter((line) => line.startsWith("we_"))).toEqual([
      `${id}: missing event ${first}`,
      `${id}: extra event invoice.voided`,
      `${id}: api_version is 2025-03-31.basil, not ${Stripe.API_VERSION}`,
      `${id}: status is disabled`,
    ]);
    const updated = await run(`stripe setup --url ${URL} --update`);
    expect(updated.status).toBe(1);
    expect(updated.printed).not.toContain("event invoice.voided");
    expect(updated.printed).toContain(`${id}: status is disabled`);
    expect((await sdk.webhookEndpoints.retrieve(id)).enabled_events).toEqual(STRIPE_EVENT_TYPES);

    await sdk.webhookEndpoints.create({ url: URL, enabled_events: ["*"] });
    const doubled = await run(`stripe check --url ${URL}`);
    expect(doubled.printed).toMatch(/several endpoints: we_\w+, we_\w+/);
    expect(doubled.printed).toContain("extra event *");
    expect(doubled.printed).toContain("api_version is the account's default");
    expect(await run(`stripe setup --url ${URL} --update`)).toMatchObject({ status: 1 });
  });

  test("check also checks the price", async () => {
    await run(`stripe setup --url ${URL}`);
    const product = await sdk.products.create({ name: "Other" });
    const price = await sdk.prices.create({ product: product.id, currency: "gbp", unit_amount: 1 });
    const foreign = await run(`stripe check --url ${URL}`, { STRIPE_PRICE_ID: price.id });
    expect(foreign.status).toBe(1);
    expect(foreign.printed).toContain(
      `${price.id} belongs to ${product.id}, which is no product of a plan and not in STRIPE_PRODUCT_IDS`,
    );
    expect(foreign.printed).toContain(`${price.id} is a one-time price`);
    const gone = await run(`stripe check --url ${URL}`, { STRIPE_PRICE_ID: "price_gone" });
    expect({ status: gone.status, printed: gone.printed }).toEqual({
      status: 1,
      printed: expect.stringContaining("no price price_gone"),
    });
  });
});

describe("reconcile", () => {
  test("lists differences and changes nothing without --apply", async () => {
    const known = nest.stripe.createSubscription({ email: "grace@example.com" });
    const same = nest.stripe.createSubscription({ email: "alan@example.com" });
    await nest.deliverEvents();
    nest.stripe.cancelSubscription(known.id);
    const missing = nest.stripe.createSubscription({ email: ADA });
    nest.stripe.createSubscription({ email: "gone@example.com", status: "canceled" });
    const product = await sdk.products.create({ name: "Other" });
    const price = await sdk.prices.create({
      product: product.id,
      currency: "gbp",
      unit_amount: 1,
      recurring: { interval: "month" },
    });
    nest.stripe.createSubscription({ email: "else@example.com", price: price.id });
    const record = (await stored(same.id)) ?? { _id: "" };
    await nest
      .collection("subscriptions")
      .insertOne({ ...record, _id: "sub_ghost", stpSubscriptionId: "sub_ghost" });
    const dump = await nest.dump();

    for (const args of ["stripe reconcile", "stripe reconcile --dry-run"]) {
      const { status, printed } = await run(args);
      const lines = printed.split("\n").filter((line) => line.startsWith("sub_"));
      expect(lines).toHaveLength(3);
      expect(lines[0]).toMatch(new RegExp(`^${known.id}  differs: .*status active -> canceled`));
      expect(lines[1]).toMatch(new RegExp(`^${missing.id}  missing here, active since 20`));
      expect(lines[2]).toBe("sub_ghost  active here, unknown to Stripe");
      expect(printed).toContain("1 missing here, 1 different, 1 unknown to Stripe.");
      expect(status).toBe(1);
    }
    expect(await nest.dump()).toBe(dump);
    expect(nest.stripe.requests.filter(({ method }) => method !== "GET").length).toBe(2);

    const applied = await run("stripe reconcile --apply");
    expect(applied.printed).toContain(`${missing.id}  corrected`);
    expect(applied.printed).toContain("sub_ghost  left alone");
    expect(applied.status).toBe(1);
    expect(await stored(known.id)).toMatchObject({ status: "canceled" });
    expect(await stored(missing.id)).toMatchObject({ status: "active", userId: expect.any(String) });
    expect(nest.mailSubjects().filter((subject) => subject === "Welcome to Beak!")).toHaveLength(3);

    await nest.collection("subscriptions").deleteOne({ _id: "sub_ghost" });
    expect(await run("stripe reconcile --apply")).toMatchObject({ status: 0 });
    expect(await run("stripe reconcile")).toMatchObject({ status: 0 });
  });

  test("finds a user who pays for two subscriptions and refunds one of them", async () => {
    const [first, second] = ["first@example.com", "second@example.com"].map((email) =>
      ago(email.startsWith("first") ? 2 : 1, () => nest.stripe.createSubscription({ email })),
    );
    await nest.deliverEvents();
    const userId = (await stored(first?.id ?? ""))?.userId;
    // Simulates an operator who merges two users.
    await nest
      .collection("subscriptions")
      .updateOne({ stpSubscriptionId: second?.id as string }, { $set: { userId } });
    await nest
      .collection("provider-mappings")
      .updateOne({ providerValue: second?.customer as string }, { $set: { userId } });
    const { status, printed } = await run("stripe reconcile");
    const lines = [first, second].map(
      (one) => `${one?.id}  is one of 2 subscriptions that its user pays for`,
    );
    expect(
      printed
        .split("\n")
        .filter((line) => line.startsWith("sub_"))
        .sort(),
    ).toEqual(lines.sort());
    expect(status).toBe(1);
    expect(await run("stripe reconcile --apply")).toMatchObject({ status: 0 });
    const living = nest.stripe.subscriptions().filter((one) => one.status === "active");
    expect(living.map(({ id }) => id)).toEqual([first?.id]);
    expect(nest.stripe.refunds()).toHaveLength(1);
    await nest.deliverEvents();
    expect(await run("stripe reconcile")).toMatchObject({ status: 0 });
  });

  test("sends no welcome for a subscription older than three days, neither at once nor on a later event", async () => {
    const old = ago(4, () => nest.stripe.createSubscription({ email: ADA }));
    const recent = ago(2, () =>
      nest.stripe.createSubscription({ email: "grace@example.com", trialDays: 14 }),
    );
    expect(await run("stripe reconcile --apply")).toMatchObject({ status: 0 });
    expect(await stored(old.id)).toMatchObject({ status: "active" });
    expect(await stored(recent.id)).toMatchObject({ status: "trialing" });
    expect(nest.mailSubjects()).toEqual(["Your Beak Trial has begun!"]);
    await nest.deliverEvents();
    nest.stripe.updateSubscription(old.id, { cancel_at_period_end: true });
    await nest.deliverEvents();
    expect(await stored(old.id)).toMatchObject({ cancelType: "period_end" });
    expect(nest.mailSubjects()).toEqual(["Your Beak Trial has begun!"]);
  });

  test("cancels and refunds a second subscription as an event would, and completes an interrupted rejection", async () => {
    const first = ago(20, () => nest.stripe.createSubscription({ email: ADA }));
    const second = ago(10, () => nest.stripe.createSubscription({ email: ADA }));
    expect(await run("stripe reconcile --apply")).toMatchObject({ status: 0 });
    const byId = Object.fromEntries(nest.stripe.subscriptions().map(({ id, status }) => [id, status]));
    expect(byId).toEqual({ [first.id]: "active", [second.id]: "canceled" });
    expect(nest.stripe.refunds()).toMatchObject([{ amount: 499 }]);
    expect(nest.mailSubjects()).toEqual(["Duplicate Beak Subscription"]);

    await run("stripe reconcile --apply");
    await nest
      .collection("subscriptions")
      .updateOne({ stpSubscriptionId: second.id }, { $set: { refundedAt: null } });
    const { status, printed } = await run("stripe reconcile");
    expect({ status, printed }).toEqual({
      status: 1,
      printed: expect.stringContaining("rejected, but not refunded yet"),
    });
    expect(await run("stripe reconcile --apply")).toMatchObject({ status: 0 });
    expect(await run("stripe reconcile")).toMatchObject({ status: 0 });
    expect(nest.stripe.refunds()).toHaveLength(1);
  });

  test("adds the paid period to a past due subscription that an earlier release stored", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA, status: "past_due" });
    await nest.deliverEvents();
    const before = await stored(id);
    const { paidUntil, pastDueUntil } = before as unknown as Record<string, string>;
    expect(await run("stripe reconcile")).toMatchObject({ status: 0 });
    const facts = { paidUntil: 1, oldestOpenInvoiceAt: 1, pastDueUntil: 1 } as const;
    await nest.collection("subscriptions").updateOne({ stpSubscriptionId: id }, { $unset: facts });
    const { status, printed } = await run("stripe reconcile");
    expect({ status, printed }).toEqual({
      status: 1,
      printed: expect.stringContaining(`paidUntil null -> ${paidUntil}`),
    });
    expect(await run("stripe reconcile --apply")).toMatchObject({ status: 0 });
    expect(await stored(id)).toMatchObject({ paidUntil, pastDueUntil });
  });

  test("reports what cannot be corrected and corrects the others", async () => {
    const nobody = ago(1, () => nest.stripe.createSubscription({ email: null }));
    const { id } = nest.stripe.createSubscription({ email: ADA });
    const { status, printed } = await run("stripe reconcile --apply");
    expect(status).toBe(1);
    expect(printed).toContain(`${nobody.id}  failed: customer_email_missing`);
    expect(await stored(id)).toMatchObject({ status: "active" });
  });
});
