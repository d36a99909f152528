import type Stripe from "stripe";
import { describe, expect, test } from "vitest";
import { trialFacts } from "#core/billing/mail/facts.ts";
import { formatMoney } from "#core/messages/formats.ts";
import {
  type RejectionFacts,
  rejectionSentences,
  trialSentences,
} from "#core/messages/templates/money_facts.ts";
import { english } from "#tests/support/wording.ts";

const facts = (change: Partial<RejectionFacts> = {}): RejectionFacts => ({
  kind: "duplicate",
  canceled: { interval: "month", intervalCount: 1, boughtAt: "2026-11-28T12:00:00Z", hadStarted: true },
  kept: null,
  refunded: null,
  credited: null,
  isCreditOfOtherCustomer: false,
  ...change,
});
const text = (change?: Partial<RejectionFacts>) => rejectionSentences(facts(change), english).join(" ");

test.each([
  ["gbp", 499, "£4.99"],
  ["usd", 1_234_567, "US$12,345.67"],
  ["jpy", 500, "JP¥500"],
  ["krw", 10_000, "₩10,000"],
  ["kwd", 5120, "KWD 5.120"],
  ["isk", 70_000, "ISK 700"],
  ["ugx", 500_000, "UGX 5,000"],
  ["huf", 129_900, "HUF 1,299"],
  ["idr", 999_999_999_900, "IDR 9,999,999,999"],
  ["idr", 999_999_999_990, "IDR 9,999,999,999.90"],
  ["gbp", 0, "£0.00"],
])("an amount in %s of %i is written %s", (currency, amount, words) => {
  expect(formatMoney({ amount, currency }).replaceAll("\u00a0", " ")).toBe(words);
});

describe("the mail about a rejected subscription", () => {
  const money = { amount: 250, currency: "gbp" };
  const other = { interval: "year", intervalCount: 1, boughtAt: "2026-03-01T12:00:00Z" } as const;

  test("mentions no refund and no credit when there is none", () => {
    expect(text()).not.toMatch(/refund|credit|£/);
  });

  test("names the amount that was refunded, or credited", () => {
    expect(text({ refunded: money })).toContain("We refunded £2.50 to the payment method");
    expect(text({ refunded: money })).not.toContain("credited");
    expect(text({ credited: money })).toContain("We credited £2.50 to your balance");
    expect(text({ credited: money })).not.toContain("refunded");
  });

  test("names what was canceled and what stays", () => {
    const kept = { ...other, status: "renewing", endsAt: null } as const;
    expect(text({ kept })).toContain(
      "We canceled the monthly subscription that you bought on Saturday 28 November 2026.",
    );
    expect(text({ kept })).toContain(
      "Your yearly subscription that you bought on Sunday 1 March 2026 stays and renews as before.",
    );
    expect(text({ kept: { ...kept, interval: "month", intervalCount: 3 } })).toContain(
      "Your 3-month subscription",
    );
  });

  test("says which of two subscriptions that were bought on one day was canceled", () => {
    const kept = { ...facts().canceled, boughtAt: "2026-11-28T09:00:00Z", status: "renewing" } as const;
    const order = "You bought two on that day. We canceled the";
    expect(text({ kept: { ...kept, endsAt: null } })).toContain(`2026. ${order} later one.`);
    const later = { ...kept, boughtAt: "2026-11-28T12:00:01Z", endsAt: null };
    expect(text({ kind: "replaced", kept: later })).toContain(`2026. ${order} earlier one.`);
    expect(text({ kept: { ...later, boughtAt: "2026-11-28T12:00:00.000Z" } })).not.toContain(order);
    expect(text({ kept: { ...later, interval: "year" } })).not.toContain(order);
    expect(text({ kept: { ...later, boughtAt: "2026-11-29T12:00:00Z" } })).not.toContain(order);
    expect(text({ kept: { ...later, status: "trialing", endsAt: later.boughtAt } })).not.toContain(order);
    expect(text()).not.toContain(order);
  });

  test("says until when a subscription stays that is scheduled to end", () => {
    const kept = { ...other, status: "ending", endsAt: "2026-12-12T12:00:00Z" } as const;
    expect(text({ kept })).toContain("stays until Saturday 12 December 2026, when it ends as scheduled.");
    expect(text({ kept })).not.toContain("renews");
  });

  test("does not promise that a subscription stays when none is kept, or its invoice is unpaid", () => {
    expect(text()).not.toContain("stays");
    expect(text({ kept: { ...other, status: "payment_due", endsAt: null } })).toContain(
      "It has an unpaid invoice",
    );
  });
});

describe("the welcome to a trial with a card", () => {
  const END = 1_800_000_000;
  const charge = (change: Partial<Stripe.Subscription>) => {
    const subscription = { trial_end: END, cancel_at: null, cancel_at_period_end: false, ...change };
    const trial = { ...subscription, default_payment_method: "pm_1" } as Stripe.Subscription;
    return trialFacts(trial, "2027-01-15T08:00:00Z", null, null).charge;
  };

  test.each([
    ["is charged if no cancellation is scheduled", {}, true],
    [
      "is charged if the cancellation is scheduled for after the end of the trial",
      { cancel_at: END + 1 },
      true,
    ],
    ["is not charged if the trial is canceled at its end", { cancel_at: END }, false],
    [
      "is not charged if the trial is canceled at the end of its period",
      { cancel_at_period_end: true },
      false,
    ],
  ] as const)("%s", (_name, change, isCharged) => {
    expect(charge(change) !== null).toBe(isCharged);
  });
});

describe("the welcome to a trial that nobody used", () => {
  const unused = { endsAt: "2027-01-15T08:00:00Z", daysFromFirstUse: 14 };

  test("names the charge at its end without a day, because the first use moves the end", () => {
    const charge = { money: { amount: 499, currency: "gbp" } };
    expect(trialSentences({ ...unused, charge }, english).join(" ")).toBe(
      "Your trial is ready. Its 14 days begin when you first use it. If nobody uses it, it ends by itself on Friday 15 January 2027. Your subscription begins at its end, and your payment method is charged £4.99. If you don't want that, cancel before its end: open Beak, choose your account, then billing.",
    );
  });

  test("says that nothing is charged if the amount is zero, or nothing is charged at its end", () => {
    const free = { money: { amount: 0, currency: "gbp" } };
    expect(trialSentences({ ...unused, charge: free }, english).at(-1)).toContain(
      "nothing is charged on that day.",
    );
    expect(trialSentences({ ...unused, charge: null }, english).at(-1)).toMatch(/and nothing is charged\.$/);
  });

  test("writes a length of one day in the singular", () => {
    expect(trialSentences({ ...unused, daysFromFirstUse: 1, charge: null }, english)).toContain(
      "Its one day begins when you first use it.",
    );
  });
});
