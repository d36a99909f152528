import type Stripe from "stripe";
import { describe, expect, test } from "vitest";
import { billedPeriod, lastPaidEnd, oldestBilling } from "#core/billing/subscriptions/invoice_periods.ts";
import { isPeriodUnpaid, pastDueFacts, unpaidFacts } from "#core/billing/subscriptions/paid_period.ts";
import { readState } from "#core/billing/subscriptions/stripe_state.ts";

const OURS = "prod_ours";
const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

interface Line {
  product?: string | null;
  start: number;
  end: number;
  proration?: boolean;
  isOneOff?: boolean;
}
const line = ({ product = OURS, start, end, proration = false, isOneOff = false }: Line) => ({
  parent: isOneOff
    ? { type: "invoice_item_details", subscription_item_details: null, invoice_item_details: { proration } }
    : {
        type: "subscription_item_details",
        invoice_item_details: null,
        subscription_item_details: { proration },
      },
  period: { start, end },
  pricing: product === null ? null : { price_details: { product } },
});
const invoice = (created: number, ...lines: Line[]) =>
  ({ created, lines: { data: lines.map(line) } }) as unknown as Stripe.Invoice;

describe("the period that an invoice bills", () => {
  test.each<[string, Line[], { start: number; end: number } | null]>([
    ["is that of its line", [{ start: 10, end: 40 }], { start: 10, end: 40 }],
    [
      "ignores other products",
      [
        { start: 10, end: 40 },
        { product: "prod_other", start: 5, end: 400 },
      ],
      { start: 10, end: 40 },
    ],
    ["is null for other products only", [{ product: "prod_other", start: 5, end: 400 }], null],
    ["is null for one-off items", [{ start: 5, end: 5, isOneOff: true }], null],
    ["is null for an invoice without lines", [], null],
    [
      "ignores prorations beside a period",
      [
        { start: 2, end: 10, proration: true },
        { start: 10, end: 40 },
      ],
      { start: 10, end: 40 },
    ],
    ["is that of prorations alone", [{ start: 22, end: 40, proration: true }], { start: 22, end: 40 }],
    ["is that of a line without a price", [{ product: null, start: 10, end: 40 }], { start: 10, end: 40 }],
    [
      "covers several items",
      [
        { start: 10, end: 40 },
        { start: 10, end: 41 },
      ],
      { start: 10, end: 41 },
    ],
  ])("%s", (_name, lines, period) => {
    expect(billedPeriod(invoice(1, ...lines), [OURS])).toEqual(period);
  });
});

test("the oldest open invoice of our products decides about a past due subscription, in any order of the list", () => {
  const other = invoice(1, { product: "prod_other", start: 1, end: 31 });
  const first = invoice(100, { start: 100, end: 130 });
  const second = invoice(130, { start: 130, end: 160 });
  for (const open of [
    [other, first, second],
    [second, first, other],
  ])
    expect(oldestBilling(open, [OURS])).toBe(first);
  expect(oldestBilling([other], [OURS])).toBeNull();
  expect(pastDueFacts(first, { productIds: [OURS], pastDueDays: 7 })).toEqual({
    paidUntil: iso(100),
    oldestOpenInvoiceAt: iso(100),
    pastDueUntil: iso(100 + 7 * 86_400),
  });
});

describe("an open invoice with prorations", () => {
  const year = { start: 0, end: 365 };
  const billing = { productIds: [OURS], pastDueDays: 7 };
  const current = (end: number) =>
    ({
      ...{ created: 0, start_date: 0, customer: "cus_1" },
      items: { data: [{ price: { product: OURS }, current_period_start: 0, current_period_end: end }] },
    }) as unknown as Stripe.Subscription;
  const credit = { start: 150, end: 365, proration: true };

  test.each<[string, Line[], number, number]>([
    ["leaves the period paid for", [credit, credit], 365, 365],
    ["with another interval leaves the period paid for", [credit, { start: 150, end: 515 }], 515, 365],
    [
      "with a shorter interval leaves it paid for until that interval's end",
      [credit, { start: 150, end: 180 }],
      180,
      180,
    ],
  ])("an unpaid change within a paid period %s", (_name, lines, end, paidUntil) => {
    expect(unpaidFacts(current(end), invoice(150, ...lines), [invoice(0, year)], billing)).toEqual({
      paidUntil: iso(paidUntil),
      oldestOpenInvoiceAt: iso(150),
      pastDueUntil: iso(150 + 7 * 86_400),
    });
  });

  test("a period that was paid for while an earlier invoice stayed open ends access with that period", () => {
    const first = invoice(0, { start: 0, end: 30 });
    const paid = [invoice(30, { start: 30, end: 60 })];
    expect(unpaidFacts(current(365), first, paid, billing)).toEqual({
      paidUntil: iso(60),
      oldestOpenInvoiceAt: iso(0),
      pastDueUntil: iso(7 * 86_400),
    });
    const earlier = [invoice(-30, { start: -30, end: -5 })];
    expect(unpaidFacts(current(365), first, earlier, billing).paidUntil).toBe(iso(0));
  });

  test("an unpaid renewal with prorations of the period before it ends access with that period", () => {
    const renewal = invoice(365, { start: 300, end: 365, proration: true }, { start: 365, end: 730 });
    expect(unpaidFacts(current(730), renewal, [invoice(0, year)], billing).paidUntil).toBe(iso(365));
  });
});

test("the newest paid invoice that bills a period decides until when a subscription is paid for", () => {
  const oneOff = invoice(50, { start: 50, end: 50, isOneOff: true });
  const period = invoice(40, { start: 10, end: 40 });
  const earlier = invoice(10, { start: -20, end: 10 });
  expect(lastPaidEnd([oneOff, period, earlier], [OURS])).toBe(40);
  expect(lastPaidEnd([oneOff], [OURS])).toBeNull();
  expect(lastPaidEnd([], [OURS])).toBeNull();
});

test.each([
  ["active", null, "paid", false],
  ["active", null, "open", false],
  ["active", "void", "paid", true],
  ["active", "void", null, true],
  ["active", "keep_as_draft", "draft", false],
  ["active", "mark_uncollectible", "uncollectible", false],
  ["active", "a behavior that Stripe adds", "draft", true],
  ["active", null, "void", true],
  ["trialing", "void", "paid", false],
  ["past_due", null, "open", true],
  ["unpaid", null, "open", false],
  ["canceled", "void", "void", false],
] as const)(
  "status %s, collection %s and the latest invoice %s: the period is unpaid: %s",
  (status, behavior, latest, isUnpaid) => {
    const current = {
      status,
      pause_collection: behavior === null ? null : { behavior, resumes_at: null },
      latest_invoice: latest === null ? null : { status: latest },
    } as unknown as Stripe.Subscription;
    expect(isPeriodUnpaid(current)).toBe(isUnpaid);
  },
);

test.each([
  ["user_forgiven", true],
  ["max_payment_attempts", true],
  ["subscription_paused", false],
] as const)("an invoice that is uncollectible for %s leaves the period unpaid: %s", (reason, isUnpaid) => {
  const latest_invoice = { status: "uncollectible", status_details: { uncollectible: { reason } } };
  const current = { status: "active", pause_collection: null, latest_invoice };
  expect(isPeriodUnpaid(current as unknown as Stripe.Subscription)).toBe(isUnpaid);
});

describe("the stored end of a subscription", () => {
  const item = (product: string, start: number | null, end: number | null) => ({
    price: { product },
    current_period_start: start,
    current_period_end: end,
  });
  const NONE = {
    ended_at: null,
    cancel_at: null,
    trial_end: null,
    start_date: 5,
    created: 4,
    canceled_at: null,
  };
  test.each<[string, object, number]>([
    ["is the period's", { items: [item(OURS, 10, 40)] }, 40],
    ["is the latest period's of our items", { items: [item(OURS, 10, 40), item(OURS, 10, 70)] }, 70],
    [
      "ignores another product's longer period",
      { items: [item("prod_other", 10, 400), item(OURS, 10, 40)] },
      40,
    ],
    ["is another product's period if no item is ours", { items: [item("prod_other", 10, 400)] }, 400],
    ["is cancel_at before the period's end", { items: [item(OURS, 10, 40)], cancel_at: 20 }, 20],
    ["is the period's before a schedule's cancel_at", { items: [item(OURS, 10, 40)], cancel_at: 4000 }, 40],
    ["is ended_at before everything", { items: [item(OURS, 10, 40)], cancel_at: 20, ended_at: 15 }, 15],
    ["is ended_at, even in the future", { items: [item(OURS, 10, 40)], ended_at: 4000 }, 4000],
    ["is the moved end of a trial", { items: [item(OURS, 10, 90)], trial_end: 90, status: "trialing" }, 90],
    ["is the trial's if periods are missing", { items: [item(OURS, null, null)], trial_end: 90 }, 90],
    ["is an old API version's period", { items: [item(OURS, null, null)], current_period_end: 60 }, 60],
    ["is the start if nothing else is known", { items: [] }, 5],
  ])("%s", (_name, { items, ...fields }: { items?: unknown } & object, end) => {
    const subscription = { ...NONE, status: "active", customer: "cus_1", ...fields, items: { data: items } };
    const product = { stpProductId: OURS, isOtherProduct: false };
    const state = readState(subscription as unknown as Stripe.Subscription, product, [OURS]);
    expect(state.endsAt).toBe(iso(end));
  });
});
