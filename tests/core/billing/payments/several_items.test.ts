import { afterEach, beforeEach, expect, test } from "vitest";
import { PRICE_ID, startNest, type TestNest } from "#tests/support/nest.ts";

const ADA = "ada@example.com";
const OTHER_MONTHLY = {
  id: "price_other_monthly",
  currency: "gbp",
  unitAmount: 2000,
  interval: "month",
} as const;
const OTHER_YEARLY = {
  id: "price_other_yearly",
  currency: "gbp",
  unitAmount: 12_000,
  interval: "year",
} as const;
const YEARLY = { id: "price_yearly", currency: "gbp", unitAmount: 4900, interval: "year" } as const;

let nest: TestNest;
let monthly: string;
beforeEach(async () => {
  nest = await startNest({
    plans: [YEARLY],
    otherProducts: [{ id: "prod_other", name: "Other", prices: [OTHER_MONTHLY, OTHER_YEARLY] }],
  });
  monthly = PRICE_ID;
});
afterEach(() => nest.stop());

const atStripe = (id: string) => nest.stripe.subscriptions().find((one) => one.id === id);
const refunds = () => nest.stripe.refunds().map(({ amount }) => amount);
const buy = async (price: string | string[]) => {
  const bought = nest.stripe.createSubscription({ email: ADA, price });
  await nest.deliverEvents();
  return bought;
};
/** What the first invoice of a subscription cost. */
const paidFor = (id: string) =>
  nest.stripe.events().find(({ type, data }) => type === "invoice.paid" && JSON.stringify(data).includes(id))
    ?.data.object as { amount_paid: number };
/** Moves the clock to the middle of the current period of the item with a price. */
const useHalf = async (id: string, price: string) => {
  const item = atStripe(id)?.items.data.find((one) => one.price.id === price);
  if (!item) throw new Error("no such item");
  await nest.passTime((item.current_period_start + item.current_period_end) / 2 - nest.stripe.now());
};
/** Schedules the end of a subscription and buys another one, so that the first one is replaced. */
const replace = async (id: string, price: string) => {
  nest.stripe.cancelSubscription(id, { isAtPeriodEnd: true });
  await nest.deliverEvents();
  await buy(price);
  expect(atStripe(id)?.status).toBe("canceled");
};

test("a duplicate with an item of another product is refunded in full, because all of it is canceled", async () => {
  await buy(monthly);
  nest.clock.advance(60);
  const { id } = await buy([monthly, OTHER_MONTHLY.id]);
  expect(atStripe(id)?.status).toBe("canceled");
  expect(refunds()).toEqual([paidFor(id).amount_paid]);
});

test("a replaced subscription with an item of another product returns the unused share of both, because both are canceled", async () => {
  const { id } = await buy([monthly, OTHER_MONTHLY.id]);
  await useHalf(id, monthly);
  await replace(id, monthly);
  expect(refunds()).toEqual([Math.ceil(paidFor(id).amount_paid / 2)]);
});

test("a replaced year returns nothing of another product's month, which was used long ago", async () => {
  const { id } = await buy([YEARLY.id, OTHER_MONTHLY.id]);
  expect(paidFor(id).amount_paid).toBe(YEARLY.unitAmount + OTHER_MONTHLY.unitAmount);
  await useHalf(id, YEARLY.id);
  await replace(id, monthly);
  expect(refunds()).toEqual([YEARLY.unitAmount / 2]);
});

test("a replaced month returns nothing of another product's year in the same invoice", async () => {
  const { id } = await buy([monthly, OTHER_YEARLY.id]);
  await useHalf(id, monthly);
  await replace(id, monthly);
  expect(refunds()).toEqual([Math.ceil((paidFor(id).amount_paid - OTHER_YEARLY.unitAmount) / 2)]);
});
