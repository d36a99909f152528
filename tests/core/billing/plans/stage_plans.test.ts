import { expect, test } from "vitest";
import app from "#app";
import type { App, Plan } from "#core/app/app.ts";
import { type BillingSettings, readBilling } from "#core/billing/config.ts";
import { ConfigError } from "#core/config.ts";
import { linkRequest, startNest, V2 } from "#tests/support/nest.ts";

const priceOf = (id: string) => ({ priceId: `price_${id}`, productId: `prod_${id}` });

const planWith = (id: string, change: Partial<Plan> = {}): Plan => ({
  id,
  name: { en: id },
  isOffered: true,
  prices: { local: priceOf(id), prod: priceOf(`${id}_live`) },
  interval: "month",
  amount: { currency: "eur", unitAmount: 900 },
  trialDays: null,
  features: [],
  ...change,
});

const read = (plans: readonly Plan[], environment: Record<string, string> = {}): BillingSettings =>
  readBilling({ STAGE: "local", ...environment }, { plans });

test("a stage sells the app's plans at its own prices, and manages their products", () => {
  const plans = [planWith("free"), planWith("pro", { trialDays: 7 })];
  expect(read(plans)).toMatchObject({
    plans: [
      { id: "free", priceId: "price_free", productId: "prod_free" },
      { id: "pro", priceId: "price_pro", productId: "prod_pro", trialDays: 7 },
    ],
    productIds: ["prod_free", "prod_pro"],
    trialPriceId: "price_pro",
    trialDays: 7,
  });
  expect(read(plans, { STAGE: "prod" }).trialPriceId).toBe("price_pro_live");
});

test("a stage does not sell a plan without a price there, and refuses to run if it could sell nothing", () => {
  const [priced, unpriced] = [planWith("pro"), planWith("new", { prices: { local: priceOf("new") } })];
  expect(read([priced, unpriced], { STAGE: "prod" }).plans.map(({ id }) => id)).toEqual(["pro"]);
  expect(() => read([unpriced], { STAGE: "prod" })).toThrow(
    new ConfigError(["STRIPE_PRICE_ID"], "no plan of the app file has a price on prod"),
  );
});

test("a plan that is no longer offered stays a plan of the stage, and no trial begins with it", () => {
  const plans = [planWith("old", { isOffered: false, trialDays: 30 }), planWith("pro", { trialDays: 7 })];
  expect(read(plans)).toMatchObject({
    productIds: ["prod_old", "prod_pro"],
    trialPriceId: "price_pro",
    trialDays: 7,
  });
});

test("variables replace price, product and trial of the plan that a trial subscribes to", () => {
  const plans = [planWith("free"), planWith("pro", { trialDays: 7 })];
  const changed = read(plans, {
    STRIPE_PRICE_ID: "price_mine",
    STRIPE_PRODUCT_IDS: "prod_mine, prod_older",
    TRIAL_DAYS: "30",
  });
  expect(changed).toMatchObject({
    plans: [{ priceId: "price_free" }, { priceId: "price_mine", productId: "prod_mine", trialDays: 30 }],
    // A purchase of another plan must not count as a subscription to something else.
    productIds: ["prod_mine", "prod_older", "prod_free"],
    trialPriceId: "price_mine",
    trialDays: 30,
  });
});

test("an app may sell nothing", () => {
  expect(read([])).toMatchObject({ plans: [], productIds: [], trialPriceId: null });
});

test("an app without a trial refuses one before anything is stored", async () => {
  const withoutTrial: App = { ...app, plans: app.plans.map((plan) => ({ ...plan, trialDays: null })) };
  const nest = await startNest({ app: withoutTrial });
  const reply = await nest.call(`${V2}create_trial_and_magic_link`, linkRequest());
  expect({ status: reply.status, body: reply.body }).toEqual({
    status: 403,
    body: { code: "access_denied" },
  });
  expect(await nest.collection("trials").countDocuments()).toBe(0);
  expect(nest.ses.inbox).toEqual([]);
  await nest.stop();
});
