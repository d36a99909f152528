import { afterEach, beforeEach, expect, test } from "vitest";
import { StripeApi } from "#core/services/stripe.ts";
import { runCli } from "#tests/support/cli.ts";
import { linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { givePassword } from "#tests/support/passwords.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
  await nest.signIn(ADA);
});
afterEach(() => nest.stop());

const environment = (): Record<string, string> => ({
  MONGODB_URI: nest.mongoUri,
  STRIPE_SECRET_KEY: nest.stripe.secretKey,
  STRIPE_URL: nest.stripe.url,
});
const show = async (...more: string[]) => {
  const { status, printed } = await runCli(["users", "show", ADA, ...more], environment());
  expect(status, printed).toBe(0);
  return printed;
};

/** Ada buys, is refunded 1.00 and then all the rest, and gets a credit. The refund of the rest fails. */
async function live() {
  const { id, customer } = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  const stripe = StripeApi.open(nest.stripe.secretKey, nest.stripe.url);
  return stripe.request(async (sdk) => {
    const [charge] = (await sdk.charges.list({ customer })).data;
    const part = await sdk.refunds.create({ charge: charge?.id ?? "", amount: 100, reason: "duplicate" });
    const rest = await sdk.refunds.create({ charge: charge?.id ?? "", reason: "requested_by_customer" });
    nest.stripe.failRefund(rest.id, "expired_or_canceled_card");
    const credit = await sdk.customers.createBalanceTransaction(customer, {
      amount: -250,
      currency: "gbp",
      description: "Unused time",
    });
    return { id, customer, charge: charge?.id ?? "", part: part.id, rest: rest.id, credit: credit.id };
  });
}

test("users show lists payments, refunds, failed refunds and credits with amount, date, id, status and reason", async () => {
  const { charge, part, rest, credit } = await live();
  const printed = await show();
  const date = "20\\d\\d-\\d\\d-\\d\\dT[\\d:.]+Z";
  for (const line of [
    `^payment +£4\\.99  ${date}  ${charge}  succeeded$`,
    `^refund +-£1\\.00  ${date}  ${part}  succeeded  duplicate$`,
    `^refund +-£3\\.99  ${date}  ${rest}  failed  expired_or_canceled_card$`,
    `^balance +-£2\\.50  ${date}  ${credit}  credited  Unused time$`,
  ])
    expect(printed).toMatch(new RegExp(line, "m"));
  expect(JSON.parse(await show("--json")).payments).toContainEqual({
    type: "refund",
    id: part,
    customer: expect.stringMatching(/^cus_/),
    amount: -100,
    currency: "gbp",
    createdAt: expect.any(String),
    status: "succeeded",
    reason: "duplicate",
  });
});

test("users show lists a declined payment with its reason, and a disputed payment", async () => {
  nest.stripe.createSubscription({ email: ADA, status: "past_due" });
  const { id } = nest.stripe.createSubscription({ email: ADA });
  nest.stripe.dispute(id);
  await nest.deliverEvents();
  const printed = await show();
  expect(printed).toMatch(/^payment +£4\.99 .* failed {2}card_declined$/m);
  expect(printed).toMatch(/^payment +£4\.99 .* disputed$/m);
});

test("users show names what a rejected subscription returned, and why it was rejected", async () => {
  const kept = nest.stripe.createSubscription({ email: ADA });
  nest.clock.advance(5);
  const duplicate = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  const printed = await show();
  const [refund] = nest.stripe.refunds();
  expect(printed).toMatch(
    new RegExp(`${duplicate.id} \\w+, rejected 20\\S+ as duplicate, ${kept.id} is kept$`, "m"),
  );
  expect(printed).toMatch(
    new RegExp(`  £4\\.99 refund of ${refund?.payment_intent}: done  20\\S+  ${refund?.id}$`, "m"),
  );
});

test("users show names when a trial was first used", async () => {
  const trial = linkRequest({
    identifier_value: "new@example.com",
    device: { platform: "mac", beak_id: "new-mac", fingerprint: "new-print" },
  });
  await nest.call(`${V2}create_trial_and_magic_link`, trial);
  const shown = () => runCli(["users", "show", "new@example.com"], environment());
  expect((await shown()).printed).toMatch(/^trial +trial_\w+ \(open, not used\)$/m);
  await nest
    .collection("trials")
    .updateOne({}, { $set: { usedAt: "2026-12-01T00:00:00.000Z", redeemedAt: "2026-11-30T00:00:00.000Z" } });
  expect((await shown()).printed).toMatch(
    /^trial +trial_\w+ \(redeemed, used since 2026-12-01T00:00:00\.000Z\)$/m,
  );
  await nest.collection("trials").updateOne({}, { $unset: { usedAt: "" } });
  expect((await shown()).printed).toMatch(/^trial +trial_\w+ \(redeemed, use not recorded\)$/m);
});

test("users show names a disabled user, wrong passwords and a locked password", async () => {
  expect(await show()).toMatch(/^password +none$/m);
  await givePassword(nest, ADA);
  expect(await show()).toMatch(/^password +set$/m);
  await nest.collection("passwords").updateOne({}, { $set: { failedCount: 3 } });
  expect(await show()).toMatch(/^password +set, 3 wrong since the last right one$/m);
  await nest.collection("passwords").updateOne({}, { $set: { failedCount: 100 } });
  const shown = await show();
  expect(shown).toMatch(/^password +locked, until the user resets it$/m);
  expect(shown).not.toContain("disabled");
  await nest.collection("users").updateOne({}, { $set: { disabledAt: "2026-12-01T00:00:00.000Z" } });
  expect(await show()).toMatch(/^disabled +since 2026-12-01T00:00:00\.000Z$/m);
});

test("users show names paused collection", async () => {
  const { id } = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  expect(await show()).not.toContain("paused");
  await nest
    .collection("subscriptions")
    .updateOne({ stpSubscriptionId: id }, { $set: { pausedCollection: "mark_uncollectible" } });
  expect(await show()).toContain(`${id} active, payments are paused (mark_uncollectible)`);
});

test("users show reports everything else when Stripe fails, has no key, or lost the customer", async () => {
  const { customer } = await live();
  nest.stripe.fault({ calls: 100, kind: "error" });
  expect(await show()).toMatch(/^address +ada@example\.com[\s\S]*^payments +not read: Stripe: /m);
  nest.stripe.fault({ calls: 0, kind: "none" });
  const { status, printed } = await runCli(["users", "show", ADA], { MONGODB_URI: nest.mongoUri });
  expect({ status, printed }).toEqual({
    status: 0,
    printed: expect.stringMatching(/^payments +not read: STRIPE_SECRET_KEY is not set$/m),
  });
  await nest
    .collection("provider-mappings")
    .updateOne({ providerValue: customer }, { $set: { providerValue: "cus_gone" } });
  expect(await show()).toMatch(/^payment +£4\.99/m);
});

test("users show lists no payments of a user without a customer", async () => {
  expect(await show()).toMatch(/^payments +none$/m);
});

/** Ada buys twice: the second subscription is a duplicate, whose payment is refunded. */
async function buyTwice() {
  nest.stripe.createSubscription({ email: ADA });
  nest.clock.advance(5);
  const duplicate = nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  return duplicate.id;
}
const refunds = async (...args: string[]) => {
  const { status, printed } = await runCli(["stripe", "refunds", ...args], { MONGODB_URI: nest.mongoUri });
  expect(status, printed).toBe(0);
  return printed;
};

test("stripe refunds lists what Nest refunded, of everybody or of one user, since a time", async () => {
  const duplicate = await buyTwice();
  const [refund] = nest.stripe.refunds();
  const userId = await nest.findUserId(ADA);
  const line = new RegExp(`^20\\S+  ${userId}  £4\\.99 +payment method  done +${refund?.id}  pi_`, "m");
  expect(await refunds()).toMatch(line);
  expect(await refunds(ADA)).toMatch(line);
  expect(JSON.parse(await refunds("--json"))).toMatchObject([
    { userId, stpSubscriptionId: duplicate, amount: 499, currency: "gbp", status: "done", id: refund?.id },
  ]);
  expect(await refunds("--since", "2999-01-01")).toBe("There are no such refunds.\n");
  await nest.signIn("bob@example.com");
  expect(await refunds("bob@example.com")).toBe("There are no such refunds.\n");
});

test("stripe refunds --failed lists only refunds that a person must make", async () => {
  const duplicate = await buyTwice();
  expect(await refunds("--failed")).toBe("There are no such refunds.\n");
  const [refund] = nest.stripe.refunds();
  nest.stripe.failRefund(refund?.id ?? "", "expired_or_canceled_card");
  await nest.deliverEvents();
  expect(await refunds("--failed")).toMatch(/ failed +re_\w+ +pi_\w+ {2}expired_or_canceled_card$/m);
  await nest
    .collection("subscriptions")
    .updateOne(
      { stpSubscriptionId: duplicate },
      { $set: { "returns.pi_zero": { source: "pi_zero", amount: 0, status: "failed", plannedAt: "2999" } } },
    );
  expect(await refunds("--failed")).not.toContain("pi_zero");
});
