import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import type { OpenCore } from "#core/core.ts";
import { crashAt, crashSides } from "#tests/support/crash.ts";
import { codeIn, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { pass as passTime, removeTrials } from "#tests/support/trial_removal.ts";

const ADA = "ada@example.com";
const IP = "203.0.113.9";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const clean = (open?: OpenCore) => removeTrials(nest, open);
const pass = (seconds: number) => passTime(nest, seconds);
const trialOf = (identifierValue = ADA) => nest.collection("trials").findOne({ identifierValue });
const liveCustomers = () => nest.stripe.customers().filter((customer) => !("deleted" in customer));
const statusOf = async (user_id: string, bearer: string) => {
  const { body } = await nest.call(`${V2}get_subscription_status`, { user_id }, { bearer });
  return body.status ?? body.code;
};
/** Redeems the last mailed link. @returns the status of the user's subscription */
async function redeemAndUse(): Promise<string> {
  const { body } = await nest.redeem(codeIn(nest.lastMail(ADA)));
  return statusOf(body.user_id, body.access_token);
}

test("removes everything with the address 30 days after an unredeemed trial ran out, and not before", async () => {
  expect(await nest.startTrial(ADA, IP)).toBe("204");
  await nest.deliverEvents();
  await pass(44 * DAY - 60);
  expect(await clean()).toEqual({ removed: [], pending: [], failed: [] });
  await pass(120);
  const id = (await trialOf())?._id;
  expect(await clean()).toEqual({ removed: [id], pending: [], failed: [] });
  expect(liveCustomers()).toEqual([]);
  await nest.collection("stripe-events").deleteMany({});
  expect(await nest.dump()).not.toContain("ada@");
  const left = await nest.dump({ without: "audit_logs" });
  expect(left).not.toContain("user_");
  expect(left).not.toContain("cus_");
  expect(await nest.startTrial(ADA, IP)).toBe("204");
  expect(await redeemAndUse()).toBe("trialing");
});

test("removes a trial that Stripe was never asked for", async () => {
  nest.stripe.fault({ calls: 9, kind: "lost", on: "POST /v1/customers" });
  expect(await nest.startTrial(ADA, IP)).toBe("stripe_error");
  await pass(43 * DAY);
  expect((await clean()).removed).toEqual([]);
  await pass(DAY + 1);
  expect((await clean()).removed).toHaveLength(1);
  expect(liveCustomers()).toEqual([]);
  expect(await nest.dump()).not.toContain("ada@");
});

test("keeps a redeemed trial, a used trial, and a trial that a payment continued", async () => {
  expect(await nest.startTrial(ADA, IP)).toBe("204");
  await nest.redeem(codeIn(nest.lastMail(ADA)));
  await nest.signIn("used@example.com");
  expect(await nest.startTrial("used@example.com", IP)).toBe("204");
  const used = await nest.signIn("used@example.com", {
    device: { platform: "mac", beak_id: "used@example.com", fingerprint: "used@example.com" },
  });
  await nest
    .collection("trials")
    .updateOne({ identifierValue: "used@example.com" }, { $set: { isFromKnownDevice: true } });
  expect(await statusOf(used.user_id, used.access_token)).toBe("trialing");
  expect(await nest.startTrial("paid@example.com", IP)).toBe("204");
  nest.stripe.attachCard(String((await trialOf("paid@example.com"))?.stpCustomerId));
  await nest.deliverEvents();
  await pass(60 * DAY);
  expect(await clean()).toEqual({ removed: [], pending: [], failed: [] });
  expect(liveCustomers()).toHaveLength(3);
});

test.each<[string, (customer: string) => unknown]>([
  ["a payment method", (customer) => nest.stripe.attachCard(customer)],
  ["a balance", (customer) => nest.stripe.credit(customer, 500, "gbp")],
  [
    "another subscription and its invoice",
    (customer) => {
      nest.stripe.attachCard(customer);
      const { id } = nest.stripe.createSubscription({ customer, email: ADA });
      nest.stripe.cancelSubscription(id);
    },
  ],
])("keeps the customer, its user and its mapping if Stripe shows %s", async (_what, add) => {
  expect(await nest.startTrial(ADA, IP)).toBe("204");
  const customer = String((await trialOf())?.stpCustomerId);
  await pass(50 * DAY);
  await add(customer);
  expect((await clean()).removed).toHaveLength(1);
  expect(liveCustomers()).toMatchObject([{ id: customer }]);
  expect(await nest.findUserId(ADA)).not.toBeNull();
  expect(await nest.collection("provider-mappings").findOne({ providerValue: customer })).not.toBeNull();
});

test("keeps a user who signed in before, and removes the trial", async () => {
  const { user_id } = await nest.signIn(ADA);
  expect(await nest.startTrial(ADA, IP)).toBe("204");
  await pass(50 * DAY);
  expect((await clean()).removed).toHaveLength(1);
  expect(await nest.findUserId(ADA)).toBe(user_id);
  expect(liveCustomers()).toEqual([]);
});

test("waits while a link of the address is open, and finishes with the next run", async () => {
  expect(await nest.startTrial(ADA, IP)).toBe("204");
  await pass(50 * DAY);
  await nest.requestLink();
  expect(await clean()).toMatchObject({ removed: [], pending: [expect.any(String)] });
  await pass(40 * DAY);
  expect((await clean()).removed).toHaveLength(1);
  expect(liveCustomers()).toEqual([]);
});

test("goes on with the other trials if Stripe fails for one, and finishes it with the next run", async () => {
  for (const address of [ADA, "bob@example.com"]) expect(await nest.startTrial(address, IP)).toBe("204");
  await pass(50 * DAY);
  nest.stripe.fault({ calls: 2, kind: "lost", on: "GET /v1/subscriptions" });
  expect(await clean()).toMatchObject({ removed: [expect.any(String)], failed: [expect.any(String)] });
  expect(nest.logged("trial_removal_failed")).toHaveLength(1);
  expect((await clean()).removed).toHaveLength(1);
  expect(liveCustomers()).toEqual([]);
});

test("leaves a trial with access to its owner when many runs race with a new request for it", async () => {
  for (let round = 0; round < 6; round++) {
    await nest.startTrial(ADA, IP);
    await nest.deliverEvents();
    await pass(50 * DAY);
    const runs = [clean(), clean(), clean()];
    const asked = await nest.startTrial(ADA, IP);
    await Promise.all(runs);
    if (asked !== "204") expect(await nest.startTrial(ADA, IP)).toBe("204");
    await clean();
    expect(await nest.collection("trials").countDocuments({ identifierValue: ADA })).toBe(1);
    const { body } = await nest.redeem(codeIn(nest.lastMail(ADA)));
    expect(await statusOf(body.user_id, body.access_token), `round ${round}`).toBe("trialing");
    for (const name of ["trials", "identifiers", "users", "sessions", "subscriptions", "provider-mappings"])
      await nest.collection(name).deleteMany({});
  }
}, 60_000);

test("finishes with the next run what a crash at any write interrupted", async () => {
  let crashes = 0;
  let removed = 0;
  for (let at = 1; at <= 18; at++)
    for (const when of crashSides(at)) {
      expect(await nest.startTrial(ADA, IP)).toBe("204");
      await nest.deliverEvents();
      await pass(50 * DAY);
      const crashed = Promise.withResolvers<true>();
      const { open, settled } = crashAt(nest.gateway, { at, when }, () => crashed.resolve(true));
      if (await Promise.race([crashed.promise, clean(open).then(() => false)])) crashes++;
      await settled();
      // Until its lease ends, the crashed run could still be at work.
      await pass(DAY);
      await clean();
      await nest.collection("stripe-events").deleteMany({});
      expect(liveCustomers(), `${when} ${at}`).toEqual([]);
      expect(await nest.dump(), `${when} ${at}`).not.toContain("ada@");
      expect(await nest.dump({ without: "audit_logs" }), `${when} ${at}`).not.toMatch(/user_/);
      // The removal is audited once, whichever run finished it.
      const deleted = (await nest.moveEvents()).filter(({ action }) => action === "user.deleted");
      expect(new Set(deleted.map(({ userId }) => userId)).size, `${when} ${at}`).toBe(deleted.length);
      expect(deleted.length, `${when} ${at}`).toBe(++removed);
    }
  expect(crashes).toBeGreaterThanOrEqual(14);
}, 120_000);
