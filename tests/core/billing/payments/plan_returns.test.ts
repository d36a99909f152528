import { describe, expect, test } from "vitest";
import { roundDown, shareOf } from "#core/billing/payments/amount.ts";
import { planLateCredit, planLatePayment } from "#core/billing/payments/plan_late_returns.ts";
import { planReturns, type RejectedSubscription } from "#core/billing/payments/plan_returns.ts";
import type { InvoicePayment, SubscriptionInvoice } from "#core/billing/payments/subscription_invoice.ts";
import type { Rejection } from "#core/repositories/subscriptions.ts";

const START = Date.UTC(2026, 10, 1) / 1000;
const END = Date.UTC(2026, 11, 1) / 1000;
const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
const DAY = 86_400;

const rejected = (change: Partial<Rejection> = {}, usedDays = 10): RejectedSubscription => ({
  customer: "cus_loser",
  rejectedAt: iso(START + usedDays * DAY),
  rejection: {
    kind: "replaced",
    keptId: "sub_kept",
    isSameCustomer: false,
    status: "active",
    wasRenewing: true,
    isOwnCustomer: false,
    prices: "price_month",
    periodStartsAt: iso(START),
    periodEndsAt: iso(END),
    ...change,
  },
});
const paid = (amount: number, change: Partial<InvoicePayment> = {}): InvoicePayment => ({
  source: "pi_1",
  paid: amount,
  left: amount,
  paidAt: START,
  isDisputed: false,
  ...change,
});
const invoice = (change: Partial<SubscriptionInvoice> = {}): SubscriptionInvoice => ({
  currency: "gbp",
  lines: [{ start: START, end: END, amount: 3000 }],
  paidAt: START,
  payments: [paid(3000)],
  creditUsed: 0,
  creditNoted: 0,
  creditGiven: 0,
  ...change,
});
const lastMonth = { lines: [{ start: START - 31 * DAY, end: START, amount: 3000 }] };
/** Source, destination and amount of each return. */
const plan = (of: RejectedSubscription, ...invoices: SubscriptionInvoice[]) =>
  Object.values(planReturns(of, invoices, iso(END))).map(({ source, to, amount, status }) =>
    [source, to === "balance" ? "credit" : "refund", amount, ...(status === "planned" ? [] : [status])].join(
      " ",
    ),
  );

describe("a replaced subscription", () => {
  test.each([
    ["at the start of its period, all of it", 0, 3000],
    ["after 10 of 30 days, two thirds", 10, 2000],
    ["in the last second of its period, one unit", 30 - 1 / DAY, 1],
    ["at the end of its period, nothing", 30, 0],
    ["after the end of its period, nothing", 45, 0],
    ["before its period, no more than all of it", -5, 3000],
  ])("returns, %s", (_name, usedDays, amount) => {
    expect(plan(rejected({}, usedDays), invoice())).toEqual([`pi_1 refund ${amount}`]);
  });

  test("rounds up once, over all payments of the period", () => {
    const three = ["pi_1", "pi_2", "pi_3"].map((source) => paid(100, { source }));
    // 300 times 20 of 30 days, less one second.
    const late = rejected({}, 10 + 1 / DAY);
    expect(plan(late, invoice({ payments: three }))).toEqual([
      "pi_1 refund 100",
      "pi_2 refund 100",
      "pi_3 refund 0",
    ]);
  });

  test("returns nothing when its current period is not paid", () => {
    for (const status of ["past_due", "unpaid", "paused", "incomplete", "snoozing"])
      expect(plan(rejected({ status }), invoice()), status).toEqual(["pi_1 refund 0"]);
  });

  test("returns the unused share of a payment that succeeded after the rejection of a past due subscription", () => {
    const at = START + 10 * DAY;
    const payments = [paid(1500), paid(1500, { source: "pi_2", paidAt: at + 60 })];
    expect(plan(rejected({ status: "past_due" }), invoice({ payments }))).toEqual([
      "pi_1 refund 0",
      "pi_2 refund 1000",
    ]);
  });

  test("returns nothing of earlier periods", () => {
    expect(
      plan(rejected(), invoice(lastMonth), invoice({ payments: [paid(3000, { source: "pi_2" })] })),
    ).toEqual(["pi_2 refund 2000"]);
    expect(plan(rejected(), invoice(lastMonth))).toEqual([]);
  });

  test("returns nothing of a year when its interval was changed to months", () => {
    const year = { lines: [{ start: START - 300 * DAY, end: START + 65 * DAY, amount: 4900 }] };
    expect(plan(rejected(), invoice(year))).toEqual([]);
  });

  test("returns only the share of an invoice whose lines are of its current period", () => {
    const lines = [
      { start: START, end: END, amount: 1000 },
      { start: START - 31 * DAY, end: START, amount: 2000 },
    ];
    expect(plan(rejected(), invoice({ lines }))).toEqual(["pi_1 refund 667"]);
  });

  test("returns nothing of an item with a shorter interval, whose time may be used already", () => {
    const lines = [
      { start: START, end: END, amount: 1000 },
      { start: START, end: START + 7 * DAY, amount: 2000 },
    ];
    expect(plan(rejected(), invoice({ lines }))).toEqual(["pi_1 refund 667"]);
  });

  test("counts the invoice of a change of plan within the period", () => {
    const change = invoice({
      lines: [
        { start: START + 5 * DAY, end: END, amount: -2500 },
        { start: START + 5 * DAY, end: END, amount: 3100 },
      ],
      payments: [paid(600, { source: "pi_2" })],
    });
    expect(plan(rejected(), invoice(), change)).toEqual(["pi_1 refund 2400", "pi_2 refund 0"]);
  });

  test("subtracts what was refunded before, and returns no more than is left", () => {
    expect(plan(rejected(), invoice({ payments: [paid(3000, { left: 1200 })] }))).toEqual([
      "pi_1 refund 800",
    ]);
    expect(plan(rejected(), invoice({ payments: [paid(3000, { left: 0 })] }))).toEqual(["pi_1 refund 0"]);
    expect(plan(rejected(), invoice({ payments: [paid(3000, { left: -5 })] }))).toEqual(["pi_1 refund 0"]);
  });

  test("credits the customer's balance when both subscriptions have the same customer", () => {
    expect(plan(rejected({ isSameCustomer: true }), invoice())).toEqual(["pi_1 credit 2000"]);
  });

  test("returns the part that the customer's balance paid to that balance", () => {
    const mixed = invoice({ creditUsed: 1500, payments: [paid(1500)] });
    expect(plan(rejected(), mixed)).toEqual(["pi_1 refund 1500", "cus_loser credit 500"]);
    expect(plan(rejected({ isSameCustomer: true }), mixed)).toEqual([
      "pi_1 credit 1500",
      "cus_loser credit 500",
    ]);
    expect(plan(rejected(), invoice({ creditUsed: 3000, payments: [] }))).toEqual(["cus_loser credit 2000"]);
  });

  test("returns nothing for an invoice that was paid outside Stripe, is zero or negative", () => {
    expect(plan(rejected(), invoice({ payments: [] }))).toEqual([]);
    expect(plan(rejected(), invoice({ payments: [paid(0)] }))).toEqual(["pi_1 refund 0"]);
    expect(plan(rejected(), invoice({ payments: [paid(-300)], creditUsed: -900 }))).toEqual([
      "pi_1 refund 0",
    ]);
  });

  test("holds back the share of a disputed payment", () => {
    const payments = [paid(1500), paid(1500, { source: "pi_2", isDisputed: true })];
    expect(plan(rejected(), invoice({ payments }))).toEqual([
      "pi_1 refund 1000",
      "pi_2 refund 1000 disputed",
    ]);
  });

  test("subtracts credit notes that the refunds of its payments do not show", () => {
    const credited = invoice({ creditNoted: 600 });
    expect(plan(rejected(), credited)).toEqual(["pi_1 refund 1600"]);
    const refunded = invoice({ creditNoted: 600, payments: [paid(3000, { left: 2400 })] });
    expect(plan(rejected(), refunded)).toEqual(["pi_1 refund 1600"]);
  });

  test("never returns more than is paid, with any period", () => {
    const backwards = { periodStartsAt: iso(END), periodEndsAt: iso(START) };
    expect(plan(rejected(backwards), invoice())).toEqual([]);
    expect(plan(rejected({ periodEndsAt: iso(START) }), invoice())).toEqual([]);
  });
});

describe("a duplicate", () => {
  const duplicate = rejected({ kind: "duplicate" });

  test("does not return what Stripe credited to the balance when the interval was changed", () => {
    const changed = invoice({ payments: [], creditGiven: 2600 });
    expect(plan(duplicate, changed, invoice())).toEqual(["pi_1 refund 400"]);
    const later = invoice({ payments: [paid(500, { source: "pi_2" })] });
    expect(plan(duplicate, later, changed, invoice())).toEqual(["pi_2 refund 0", "pi_1 refund 900"]);
  });

  test("returns every payment of every period to its payment method", () => {
    const second = invoice({ payments: [paid(500, { source: "pi_2", left: 200 })] });
    expect(plan(duplicate, invoice(lastMonth), second)).toEqual(["pi_1 refund 3000", "pi_2 refund 200"]);
    const same = rejected({ kind: "duplicate", isSameCustomer: true, status: "past_due" });
    expect(plan(same, invoice())).toEqual(["pi_1 refund 3000"]);
  });

  test("returns no payment and no credit from before the kept subscription was ours", () => {
    const since = rejected({ kind: "duplicate", returnsPaymentsSince: iso(START) });
    const before = { paidAt: START - 1 };
    const earlier = invoice({
      ...{ ...lastMonth, ...before, creditUsed: 400 },
      payments: [paid(3000, { ...before, source: "pi_0" })],
    });
    expect(plan(since, earlier, invoice({ creditUsed: 300 }))).toEqual([
      "pi_0 refund 0",
      "pi_1 refund 3000",
      "cus_loser credit 300",
    ]);
    const late = { invoice: earlier, payment: paid(3000, before) };
    expect(planLatePayment(since, late, iso(END))).toBeNull();
  });

  test("adds up the parts of one payment that paid several of its invoices", () => {
    const part = invoice({ payments: [paid(700)] });
    expect(plan(duplicate, part, part)).toEqual(["pi_1 refund 1400"]);
  });

  test("returns credit to the balance that paid it", () => {
    expect(plan(duplicate, invoice({ creditUsed: 400 }))).toEqual([
      "pi_1 refund 3000",
      "cus_loser credit 400",
    ]);
  });

  test("holds back a disputed payment", () => {
    const payments = [paid(1500), paid(1500, { source: "pi_2", isDisputed: true })];
    expect(plan(duplicate, invoice({ payments }))).toEqual(["pi_1 refund 1500", "pi_2 refund 1500 disputed"]);
  });
});

describe("a payment that succeeds after the rejection", () => {
  const late = (of: RejectedSubscription, change: Partial<SubscriptionInvoice> = {}, paidAt = END) => {
    const made = planLatePayment(of, { invoice: invoice(change), payment: paid(3000, { paidAt }) }, iso(END));
    return made && `${made.to} ${made.amount}`;
  };

  test("is returned in full for a duplicate, and by the unused share for a replaced subscription", () => {
    expect(late(rejected({ kind: "duplicate" }), lastMonth)).toBe("payment_method 3000");
    expect(late(rejected())).toBe("payment_method 2000");
    expect(late(rejected({ isSameCustomer: true }))).toBe("balance 2000");
  });

  test("is not returned for an earlier period of a replaced subscription, or when no time was left", () => {
    expect(late(rejected(), lastMonth)).toBeNull();
    expect(late(rejected({}, 30))).toBeNull();
  });

  test("is not returned for a replaced subscription if it was paid before the rejection", () => {
    const at = START + 10 * DAY;
    expect(late(rejected({ status: "past_due" }), {}, at - 1)).toBeNull();
    expect(late(rejected({ status: "past_due" }), {}, at)).toBe("payment_method 2000");
    expect(late(rejected({ kind: "duplicate" }), {}, at - 1)).toBe("payment_method 3000");
  });
});

describe("credit of an invoice whose payment succeeds after the rejection", () => {
  const late = (of: RejectedSubscription, change: Partial<SubscriptionInvoice> = {}, paidAt = END) => {
    const payment = paid(2500, { paidAt });
    const read = invoice({ payments: [payment], creditUsed: 500, paidAt, ...change });
    const made = planLateCredit(of, { id: "in_1", invoice: read, payment }, iso(END));
    return made && `${made.source} ${made.to} ${made.amount}`;
  };

  test("is returned in full for a duplicate, and by the unused share, rounded down, for a replaced subscription", () => {
    expect(late(rejected({ kind: "duplicate" }), lastMonth)).toBe("in_1 balance 500");
    expect(late(rejected())).toBe("in_1 balance 333");
    expect(late(rejected({ status: "past_due", isSameCustomer: true }))).toBe("in_1 balance 333");
  });

  test("is not returned if the payment succeeded before the rejection, for an earlier period, or when no time was left", () => {
    const before = START + 10 * DAY - 1;
    expect(late(rejected(), {}, before)).toBeNull();
    expect(late(rejected({ kind: "duplicate" }), {}, before)).toBeNull();
    expect(late(rejected(), lastMonth)).toBeNull();
    expect(late(rejected({}, 30))).toBeNull();
    expect(late(rejected({}, 45))).toBeNull();
    expect(late(rejected({ kind: "duplicate" }), { creditUsed: 0 })).toBeNull();
  });

  test("is returned less what a credit note returned", () => {
    expect(late(rejected({ kind: "duplicate" }), { creditNoted: 200 })).toBe("in_1 balance 300");
  });
});

test.each([
  ["gbp", 499, 1, 3, 167],
  // Zero decimals: the unit is the yen.
  ["jpy", 500, 1, 3, 167],
  ["krw", 10_000, 1, 7, 1429],
  // Three decimals, the last of which must be 0.
  ["kwd", 5120, 1, 3, 1710],
  ["bhd", 10, 1, 100, 10],
  // Two decimals that must be 0.
  ["isk", 70_000, 1, 3, 23_400],
  ["ugx", 1_000_000, 1, 3, 333_400],
  ["huf", 129_900, 1, 3, 43_300],
  ["idr", 999_999_999_999, 31_535_999, 31_536_000, 999_999_968_290],
  ["usd", 99_999_999, 2_591_999_999, 2_592_000_000, 99_999_999],
  ["gbp", 0, 1, 2, 0],
  ["gbp", -100, 1, 2, 0],
  ["gbp", 1, 1, 1_000_000, 1],
  // Less than Stripe's smallest amount is left.
  ["kwd", 5, 1, 2, 0],
  ["isk", 4010, 9, 10, 3700],
  ["isk", 4010, 1, 1, 4000],
])("the share in %s of %i, %i of %i, is %i", (currency, amount, numerator, denominator, share) => {
  expect(shareOf(amount, { numerator, denominator }, currency)).toBe(share);
  expect(share).toBe(roundDown(share, currency));
});
