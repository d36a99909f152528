import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { PRICE_ID, startNest, type TestNest } from "#tests/support/nest.ts";

// An invoice of Stripe contains its first 10 lines. These invoices have more.

const ADA = "ada@example.com";
const YEARLY = { id: "price_yearly", currency: "gbp", unitAmount: 4900, interval: "year" } as const;
/** Eleven monthly prices of 20.00 GBP of a product that is not ours. */
const OTHERS = Array.from({ length: 11 }, (_, index) => ({
  ...{ id: `price_other_${index}`, currency: "gbp", unitAmount: 2000, interval: "month" as const },
}));
const OTHER_IDS = OTHERS.map(({ id }) => id);

let nest: TestNest;
let monthly: string;
beforeEach(async () => {
  nest = await startNest({
    plans: [YEARLY],
    otherProducts: [{ id: "prod_other", name: "Other", prices: OTHERS }],
  });
  monthly = PRICE_ID;
});
afterEach(() => nest.stop());

const atStripe = (id: string) => {
  const found = nest.stripe.subscriptions().find((one) => one.id === id);
  if (!found) throw new Error("no such subscription");
  return found;
};
const stored = (id: string) => nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
const refunds = () => nest.stripe.refunds().map(({ amount }) => amount);
const sumOf = (amounts: number[]) => amounts.reduce((sum, amount) => sum + amount, 0);
const invoicesOf = (id: string) =>
  nest.stripe.ledger().invoices.filter(({ parent }) => parent?.subscription_details?.subscription === id);
const latestInvoice = (id: string) => {
  const found = invoicesOf(id).at(-1);
  if (!found) throw new Error("no invoice");
  return found;
};
/** How often Nest asked for the lines of an invoice. */
const requestsForLines = () => nest.stripe.requests.filter(({ path }) => path.endsWith("/lines")).length;

const buy = async (price: string | string[]) => {
  const bought = nest.stripe.createSubscription({ email: ADA, price });
  await nest.deliverEvents();
  return bought;
};
/** Changes the quantity of the only item in each step. */
const changeQuantity = (
  id: string,
  quantities: readonly number[],
  proration_behavior: "create_prorations" | "always_invoice" = "create_prorations",
) => {
  const [item] = atStripe(id).items.data;
  for (const quantity of quantities)
    nest.stripe.updateSubscription(id, { items: [{ id: item?.id, quantity }], proration_behavior });
};
/** Moves the clock to a part of the current period of the item that is for a price. */
const passTo = async (id: string, part: number, price?: string) => {
  const item = atStripe(id).items.data.find((one) => price === undefined || one.price.id === price);
  if (!item) throw new Error("no such item");
  const { current_period_start: start, current_period_end: end } = item;
  await nest.passTime(Math.ceil(start + (end - start) * part - nest.stripe.now()));
  await nest.deliverEvents();
};
/** Schedules the end of a subscription and buys another one, so that the first one is replaced. */
const replace = async (id: string, price: string) => {
  nest.stripe.cancelSubscription(id, { isAtPeriodEnd: true });
  await nest.deliverEvents();
  await buy(price);
  expect(atStripe(id).status).toBe("canceled");
};

describe("a replaced yearly subscription that was changed 12 times", () => {
  const CHANGES = [2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1];

  test("in its current period returns the unused share of what the changes cost", async () => {
    const { id } = await buy(YEARLY.id);
    await passTo(id, 0.25);
    // The newest 10 lines credit more than they charge.
    changeQuantity(id, [8, 9, 10, 11, 12, 13, 7, 6, 5, 4, 3]);
    changeQuantity(id, [2], "always_invoice");
    await nest.deliverEvents();
    const { amount_paid: change, lines } = latestInvoice(id);
    expect(change).toBeGreaterThan(3600);
    expect(sumOf(lines.data.map(({ amount }) => amount))).toBeLessThan(0);
    await passTo(id, 0.5);
    await replace(id, monthly);
    expect(sumOf(refunds())).toBe(Math.ceil((YEARLY.unitAmount + change) / 2));
  });

  test("in the period before returns the unused share of the renewal, whose line is the last one", async () => {
    const { id } = await buy(YEARLY.id);
    await passTo(id, 0.25);
    changeQuantity(id, CHANGES);
    await passTo(id, 1);
    const { amount_paid: renewal, lines } = latestInvoice(id);
    expect(renewal).toBe(YEARLY.unitAmount);
    expect(lines.data.map(({ amount }) => amount)).not.toContain(YEARLY.unitAmount);
    await passTo(id, 0.5);
    nest.stripe.clear();
    await replace(id, monthly);
    expect(sumOf(refunds())).toBe(YEARLY.unitAmount / 2);
    expect(requestsForLines()).toBeGreaterThan(0);
  });

  test("returns no more than the share of the renewal if its invoice billed the changes too", async () => {
    const { id } = await buy(YEARLY.id);
    await passTo(id, 0.25);
    changeQuantity(id, [...CHANGES, 3]);
    await passTo(id, 1);
    const { amount_paid: renewal } = latestInvoice(id);
    expect(renewal).toBeGreaterThan(3 * YEARLY.unitAmount);
    await passTo(id, 0.5);
    await replace(id, monthly);
    expect(sumOf(refunds())).toBe((3 * YEARLY.unitAmount) / 2);
  });
});

test("reads all pages of an invoice with more than 100 lines", async () => {
  const { id } = await buy(YEARLY.id);
  await passTo(id, 0.25);
  changeQuantity(
    id,
    Array.from({ length: 52 }, (_, index) => (index % 2 === 0 ? 2 : 1)),
  );
  await passTo(id, 1);
  await passTo(id, 0.5);
  nest.stripe.clear();
  await replace(id, monthly);
  expect(sumOf(refunds())).toBe(YEARLY.unitAmount / 2);
  const pages = nest.stripe.requests.filter(({ path }) => path.endsWith("/lines"));
  expect(pages.map(({ params }) => params.starting_after !== undefined)).toContain(true);
});

describe("an invoice for 12 items", () => {
  test("of a duplicate is refunded in full, also if our item is the last one", async () => {
    await buy(monthly);
    nest.clock.advance(60);
    const { id } = await buy([...OTHER_IDS, monthly]);
    expect(atStripe(id).status).toBe("canceled");
    expect(refunds()).toEqual([latestInvoice(id).amount_paid]);
  });

  test("of a replaced year returns its unused share, also if our item is the last one", async () => {
    const { id } = await buy([...OTHER_IDS, YEARLY.id]);
    await passTo(id, 0.5, YEARLY.id);
    await replace(id, monthly);
    expect(sumOf(refunds())).toBe(YEARLY.unitAmount / 2);
  });

  test("of a replaced year returns nothing of the other items, which were used long ago", async () => {
    const { id } = await buy([YEARLY.id, ...OTHER_IDS]);
    await passTo(id, 0.5, YEARLY.id);
    await replace(id, monthly);
    expect(sumOf(refunds())).toBe(YEARLY.unitAmount / 2);
  });

  const ITEMS = () => [...OTHER_IDS, monthly];
  /** Buys the 12 items by a bank debit that is still processing. */
  const buyByDebit = async (customer?: string) => {
    const details = customer === undefined ? { card: { processes: true } } : { customer };
    if (customer !== undefined) nest.stripe.attachCard(customer, { processes: true });
    const { id } = nest.stripe.createSubscription({ email: ADA, price: ITEMS(), ...details });
    await nest.deliverEvents();
    return id;
  };

  test("of a duplicate whose debit succeeds after the rejection is refunded in full", async () => {
    const { customer } = await buy(monthly);
    nest.clock.advance(60);
    const id = await buyByDebit(customer);
    expect([atStripe(id).status, refunds()]).toEqual(["canceled", []]);
    nest.stripe.settlePayment(id, "succeeded");
    await nest.deliverEvents();
    expect(refunds()).toEqual([latestInvoice(id).amount_paid]);
  });

  test("of a duplicate raises an alarm if it is paid outside Stripe after the rejection", async () => {
    await buy(monthly);
    nest.clock.advance(60);
    const id = await buyByDebit();
    nest.clock.advance(60);
    nest.stripe.settlePayment(id, "failed");
    nest.stripe.payOutOfBand(id);
    await nest.deliverEvents();
    const { amount_due: amount } = latestInvoice(id);
    expect(nest.logged("paid_outside_stripe")).toEqual([
      expect.objectContaining({ alarm: true, subscription_id: id, amount }),
    ]);
  });

  test("raises an alarm if its debit succeeds after the buyer canceled", async () => {
    const id = await buyByDebit();
    nest.stripe.cancelSubscription(id);
    await nest.deliverEvents();
    await nest.passTime(3 * DAY);
    nest.stripe.settlePayment(id, "succeeded");
    await nest.deliverEvents();
    expect(nest.logged("paid_after_end")).toEqual([expect.objectContaining({ subscription_id: id })]);
  });
});

test("a change that is not paid leaves the month paid for, whose invoice billed more than 10 lines", async () => {
  const { id, customer } = await buy(monthly);
  await passTo(id, 0.5);
  changeQuantity(id, [2, 3, 4, 3, 2, 1]);
  await passTo(id, 1);
  await passTo(id, 0.25);
  const [item] = atStripe(id).items.data;
  nest.stripe.attachCard(customer, { declines: true });
  changeQuantity(id, [2], "always_invoice");
  await nest.deliverEvents();
  const paidUntil = new Date((item?.current_period_end ?? 0) * 1000).toISOString();
  expect(await stored(id)).toMatchObject({ status: "past_due", paidUntil });
});

test("a subscription became ours with the period that the last of more than 10 lines bills", async () => {
  const { id } = await buy(OTHER_IDS[0] ?? "");
  await passTo(id, 0.5);
  changeQuantity(id, [2, 3, 4, 3, 2, 1]);
  const [item] = atStripe(id).items.data;
  nest.stripe.updateSubscription(id, { items: [{ id: item?.id, price: monthly }] });
  const became = item?.current_period_end ?? 0;
  // The events until ten days after the change were lost.
  nest.clock.advance(became + 10 * DAY - nest.stripe.now());
  nest.stripe.advance(0);
  nest.stripe.updateSubscription(id, { metadata: { n: "1" } });
  const [event] = nest.stripe.events(1);
  expect((await nest.webhook(event ?? {})).status).toBe(200);
  expect(await stored(id)).toMatchObject({ oursSince: new Date(became * 1000).toISOString() });
});
