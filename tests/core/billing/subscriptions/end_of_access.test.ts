import { describe, expect, test } from "vitest";
import { endOfAccess, findAccess, usableUntil } from "#core/billing/subscriptions/subscription.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** A time in days after the first of November. */
const day = (days: number) => new Date(Date.UTC(2026, 10, 1) + days * 86_400_000).toISOString();
const HOUR = 1 / 24;
const subscription = (fields: Partial<Subscription>) =>
  ({
    ...{ stpSubscriptionId: "sub_1", stpCreatedAt: day(-100), endsAt: day(30), cancelAt: null },
    ...{ rejectedAt: null, isOtherProduct: false },
    ...fields,
  }) as Subscription;

test("of two subscriptions that grant the same access, the older one decides, in every order", () => {
  const decides = (...all: Subscription[]) =>
    [all, all.toReversed()].map((list) => findAccess(list, new Date(day(0)))?.subscription.stpSubscriptionId);
  const active = (stpSubscriptionId: string, created: number) =>
    subscription({ stpSubscriptionId, status: "active", stpCreatedAt: day(created) });
  expect(decides(active("sub_1", -9), active("sub_2", -10))).toEqual(["sub_2", "sub_2"]);
  expect(decides(active("sub_1", -9), active("sub_2", -9))).toEqual(["sub_1", "sub_1"]);
});

/** Fields, `end_date` and the end of the grace period, both in days. */
const CASES: [name: string, fields: Partial<Subscription>, end: number, until: number | null][] = [
  ["active", { status: "active" }, 30, 31],
  ["trialing", { status: "trialing" }, 30, 31],
  ["past_due, stored by an earlier release", { status: "past_due" }, 30, 31],
  [
    "past_due, whose period moved on unpaid",
    { status: "past_due", paidUntil: day(0), pastDueUntil: day(7) },
    7,
    7,
  ],
  [
    "past_due, whose first unpaid period is long over",
    { status: "past_due", paidUntil: day(-90), pastDueUntil: day(-83) },
    -83,
    -83,
  ],
  [
    "past_due, whose open invoice is older than the paid period's end",
    { status: "past_due", paidUntil: day(20), pastDueUntil: day(7) },
    20,
    21,
  ],
  ["past_due with no days to pay", { status: "past_due", paidUntil: day(0), pastDueUntil: day(0) }, 0, 1],
  ["past_due without an open invoice", { status: "past_due", paidUntil: day(0), pastDueUntil: null }, 0, 1],
  [
    "past_due and canceled before its time to pay is over",
    { status: "past_due", paidUntil: day(0), pastDueUntil: day(7), cancelAt: day(3) },
    3,
    3,
  ],
  [
    "past_due on a schedule that ends in two years",
    { status: "past_due", paidUntil: day(0), pastDueUntil: day(7), cancelAt: day(730) },
    7,
    7,
  ],
  ["active with voided invoices", { status: "active", paidUntil: day(10) }, 10, 11],
  [
    "active with voided invoices, canceled before",
    { status: "active", endsAt: day(5), paidUntil: day(10) },
    5,
    6,
  ],
  ["active without paused collection", { status: "active", paidUntil: null, pastDueUntil: null }, 30, 31],
  ["incomplete", { status: "incomplete", stpCreatedAt: day(0) }, HOUR, HOUR],
  ["unpaid", { status: "unpaid", paidUntil: null }, 30, null],
  ["paused", { status: "paused" }, 30, null],
  ["canceled with an end in the future", { status: "canceled", endsAt: day(300) }, 300, null],
  ["of an unknown status", { status: "snoozing" }, 30, null],
  ["rejected", { status: "active", rejectedAt: day(0) }, 30, null],
  ["for another product", { status: "active", isOtherProduct: true }, 30, null],
];

describe("the end of access", () => {
  test.each(CASES)("of a subscription that is %s", (_name, fields, end, until) => {
    const one = subscription(fields);
    expect({ end: endOfAccess(one), until: usableUntil(one)?.toISOString() ?? null }).toEqual({
      end: day(end),
      until: until === null ? null : day(until),
    });
  });
});

describe("the hour of incomplete subscriptions", () => {
  const attempt = (created: number, fields: Partial<Subscription> = {}) =>
    subscription({
      status: "incomplete",
      stpCreatedAt: day(created),
      stpSubscriptionId: `sub_${created}`,
      unpaidUseAt: day(created),
      ...fields,
    });
  const until = (all: Subscription[]) => findAccess(all, new Date(day(2)))?.endsAt ?? null;
  const current = attempt(2);

  test.each<[string, Subscription[], number | null]>([
    ["starts with the only attempt", [current], 2 + HOUR],
    ["starts with an earlier attempt of the same hour", [attempt(2 - HOUR / 2), current], 2 + HOUR / 2],
    ["is over an hour after the first attempt of the day", [attempt(1.5), current], null],
    ["is over after a chain of attempts", [attempt(1.1), attempt(1.4), attempt(1.7), current], null],
    ["is over if the first attempt expired", [attempt(1.1, { status: "incomplete_expired" }), current], null],
    [
      "is over if the first attempt was canceled or rejected",
      [attempt(1.1, { status: "canceled", wasIncomplete: true, rejectedAt: day(1.2) }), current],
      null,
    ],
    [
      "does not count an attempt that nobody used, such as a stranger's",
      [attempt(1.5, { unpaidUseAt: null, status: "incomplete_expired" }), current],
      2 + HOUR,
    ],
    [
      "does not count an attempt of the day before",
      [attempt(0.9, { status: "incomplete_expired" }), current],
      2 + HOUR,
    ],
    [
      "does not count a canceled subscription that was paid for",
      [attempt(1.5, { status: "canceled" }), current],
      2 + HOUR,
    ],
  ])("%s", (_name, all, end) => {
    expect(until(all)).toBe(end === null ? null : day(end));
  });

  test("leaves an active subscription usable after the hour", () => {
    const active = subscription({ status: "active", stpCreatedAt: day(1) });
    expect(until([attempt(1.1), active, current])).toBe(day(30));
  });
});
