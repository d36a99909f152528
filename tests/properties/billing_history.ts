/**
 * A random billing history of one person with up to three subscriptions. Histories are data, so that fast-check
 * generates and shrinks them.
 */
import fc from "fast-check";
import type { PriceSeed, ProductSeed } from "#stripe_double/settings.ts";

export const CURRENCIES = ["gbp", "jpy", "kwd"] as const;
export type Currency = (typeof CURRENCIES)[number];
const PLANS = ["monthly", "basic", "yearly"] as const;
export type Plan = (typeof PLANS)[number];

/** Prices in the smallest unit of the currency. Shares of these amounts are rarely whole, so rounding is tested. */
const AMOUNTS: Readonly<Record<Currency, Readonly<Record<Plan, number>>>> = {
  gbp: { monthly: 499, basic: 103, yearly: 4901 },
  jpy: { monthly: 701, basic: 7, yearly: 7001 },
  kwd: { monthly: 1990, basic: 10, yearly: 19_990 },
};

export const priceId = (currency: Currency, plan: Plan) => `price_${currency}_${plan}`;

/** The prices of the histories, all of Beak's product. */
export const PRICES: readonly PriceSeed[] = CURRENCIES.flatMap((currency) =>
  PLANS.map((plan) => ({
    id: priceId(currency, plan),
    currency,
    unitAmount: AMOUNTS[currency][plan],
    interval: plan === "yearly" ? "year" : "month",
  })),
);

export const otherPriceId = (currency: Currency) => `price_${currency}_other`;

/** A product that is not ours. */
export const OTHER_PRODUCTS: readonly ProductSeed[] = [
  {
    id: "prod_other",
    name: "Another app",
    prices: CURRENCIES.map((currency) => ({
      ...{ id: otherPriceId(currency), currency, unitAmount: 600, interval: "month" },
    })),
  },
];

/** The Stripe customer that buys: that of the first purchase, or another customer with the same email address. */
export type Buyer = "the same customer" | "another customer";

/**
 * A step of a history. `of` selects one of the person's subscriptions by its index, modulo their number. A `slow` card
 * makes payments that stay `processing` until a step settles them.
 */
export type Step =
  | { does: "buy"; plan: Plan; by: Buyer; card: "good" | "declining" | "slow" }
  | { does: "buy another product" }
  | { does: "change to our product"; of: number }
  | { does: "start a trial" }
  | { does: "sign in" }
  | { does: "read the status" }
  | { does: "wait"; hours: number }
  | { does: "replace the card"; of: number; isGood: boolean }
  | { does: "let the renewal fail"; of: number; hours: number }
  | { does: "pay"; of: number }
  | { does: "settle a slow payment"; of: number; isPaid: boolean }
  | { does: "pay out of band"; of: number }
  | { does: "void the open invoice"; of: number }
  | { does: "cancel at the end of the period"; of: number }
  | { does: "cancel in"; of: number; days: number }
  | { does: "undo the scheduled cancellation"; of: number }
  | { does: "cancel now"; of: number }
  | { does: "change the interval"; of: number }
  | {
      does: "pause collection";
      of: number;
      behavior: "void" | "keep_as_draft" | "mark_uncollectible";
      days: number | null;
    }
  | { does: "resume collection"; of: number }
  | { does: "dispute"; of: number; outcome: "open" | "won" | "lost" }
  | { does: "win the dispute" }
  | { does: "refuse the next refund"; code: "balance_insufficient" | "charge_expired_for_refund" }
  | { does: "make the next request fail"; kind: "error" | "error_after" | "lost"; on: string }
  | { does: "refund a part"; of: number; percent: number }
  | { does: "credit"; of: number; percent: number }
  | { does: "crash at the next event"; at: number; when: "before" | "after" }
  | { does: "deliver"; seed: number; share: "all" | "some"; isTwice: boolean };

export interface BillingHistory {
  currency: Currency;
  steps: Step[];
}

const of = fc.nat(3);
const hours = fc.oneof(
  { arbitrary: fc.integer({ min: 1, max: 30 }), weight: 2 },
  { arbitrary: fc.integer({ min: 1, max: 30 }).map((days) => days * 24 + 5), weight: 4 },
  { arbitrary: fc.integer({ min: 31, max: 70 }).map((days) => days * 24), weight: 2 },
);

const buy: fc.Arbitrary<Step> = fc.record({
  does: fc.constant("buy" as const),
  plan: fc.constantFrom(...PLANS),
  by: fc.constantFrom("the same customer", "the same customer", "another customer"),
  card: fc.constantFrom("good", "good", "good", "declining", "slow"),
});

const deliver: fc.Arbitrary<Step> = fc.record({
  does: fc.constant("deliver" as const),
  seed: fc.nat(1000),
  share: fc.constantFrom("all", "all", "some"),
  isTwice: fc.boolean(),
});

const wait: fc.Arbitrary<Step> = fc.record({ does: fc.constant("wait" as const), hours });

const failure: fc.Arbitrary<Step> = fc.record({
  does: fc.constant("let the renewal fail" as const),
  of,
  hours: fc.integer({ min: 0, max: 9 * 24 }),
});

const changeInterval: fc.Arbitrary<Step> = fc.record({
  does: fc.constant("change the interval" as const),
  of,
});

const changeToOurs: fc.Arbitrary<Step> = fc.record({
  does: fc.constant("change to our product" as const),
  of,
});

/** The process that handles the next event crashes at a write to the database, to Stripe or to the mail service. */
const crash: fc.Arbitrary<Step> = fc.record({
  does: fc.constant("crash at the next event" as const),
  at: fc.integer({ min: 2, max: 16 }),
  when: fc.constantFrom("before", "after"),
});

/** The other steps of the person, a bank, an operator or Stripe. */
const other: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>({ does: "start a trial" }),
  fc.constant<Step>({ does: "buy another product" }),
  fc.constant<Step>({ does: "sign in" }),
  fc.constant<Step>({ does: "read the status" }),
  fc.record({ does: fc.constant("replace the card" as const), of, isGood: fc.boolean() }),
  fc.record({ does: fc.constant("pay" as const), of }),
  fc.record({ does: fc.constant("settle a slow payment" as const), of, isPaid: fc.boolean() }),
  fc.record({ does: fc.constant("pay out of band" as const), of }),
  fc.record({ does: fc.constant("void the open invoice" as const), of }),
  fc.record({ does: fc.constant("cancel at the end of the period" as const), of }),
  fc.record({ does: fc.constant("cancel in" as const), of, days: fc.integer({ min: 1, max: 90 }) }),
  fc.record({ does: fc.constant("undo the scheduled cancellation" as const), of }),
  fc.record({ does: fc.constant("cancel now" as const), of }),
  fc.record({
    does: fc.constant("pause collection" as const),
    of,
    behavior: fc.constantFrom("void", "keep_as_draft", "mark_uncollectible"),
    days: fc.option(fc.integer({ min: 5, max: 60 })),
  }),
  fc.record({ does: fc.constant("resume collection" as const), of }),
  fc.record({ does: fc.constant("dispute" as const), of, outcome: fc.constantFrom("open", "won", "lost") }),
  fc.constant<Step>({ does: "win the dispute" }),
  fc.record({
    does: fc.constant("refuse the next refund" as const),
    code: fc.constantFrom("balance_insufficient", "charge_expired_for_refund"),
  }),
  fc.record({
    does: fc.constant("make the next request fail" as const),
    kind: fc.constantFrom("error", "error_after", "lost"),
    on: fc.constantFrom("POST /v1/refunds", "POST /v1/customers/", "POST /v1/invoices/"),
  }),
  fc.record({ does: fc.constant("refund a part" as const), of, percent: fc.integer({ min: 1, max: 100 }) }),
  fc.record({ does: fc.constant("credit" as const), of, percent: fc.integer({ min: 1, max: 150 }) }),
);

const trial: Step = { does: "start a trial" };
const purchase = (card: "good" | "slow"): Step => ({
  ...{ does: "buy", plan: "monthly", by: "the same customer", card },
});

/** Beginnings that lead to rare states, on which rules of contract 1.7 depend. Random steps follow them. */
const RARE_BEGINNINGS: readonly (readonly Step[])[] = [
  // A trial competes with a subscription that was paid and is past due.
  [
    trial,
    purchase("good"),
    { does: "replace the card", of: 1, isGood: false },
    { does: "change the interval", of: 1 },
  ],
  // A trial is kept, because the other subscription was never paid.
  [trial, purchase("slow"), { does: "settle a slow payment", of: 1, isPaid: false }],
  [
    trial,
    { does: "cancel in", of: 0, days: 5 },
    purchase("slow"),
    { does: "settle a slow payment", of: 1, isPaid: false },
  ],
  // A subscription that is scheduled to end is kept, because the other subscription was never paid.
  [
    purchase("good"),
    { does: "cancel at the end of the period", of: 0 },
    purchase("slow"),
    { does: "settle a slow payment", of: 1, isPaid: false },
  ],
  // A subscription is used beyond its paid period, because its invoices are voided.
  [purchase("good"), { does: "pause collection", of: 0, behavior: "void", days: null }],
];

/** A history begins with a purchase or a trial, so that the other steps have a subscription. */
export const billingHistories: fc.Arbitrary<BillingHistory> = fc
  .record({
    currency: fc.oneof(
      { arbitrary: fc.constant<Currency>("gbp"), weight: 4 },
      { arbitrary: fc.constantFrom<Currency>("jpy", "kwd"), weight: 1 },
    ),
    first: fc.oneof(
      { arbitrary: buy.map((step) => [step]), weight: 20 },
      { arbitrary: fc.constant<Step[]>([trial]), weight: 5 },
      { arbitrary: fc.constant<Step[]>([{ does: "buy another product" }]), weight: 5 },
      { arbitrary: fc.constantFrom(...RARE_BEGINNINGS), weight: 5 },
    ),
    rest: fc.array(
      fc.oneof(
        { arbitrary: buy, weight: 4 },
        { arbitrary: wait, weight: 5 },
        { arbitrary: deliver, weight: 4 },
        { arbitrary: failure, weight: 2 },
        { arbitrary: changeInterval, weight: 2 },
        { arbitrary: changeToOurs, weight: 2 },
        { arbitrary: crash, weight: 2 },
        { arbitrary: other, weight: 7 },
      ),
      { minLength: 2, maxLength: 10 },
    ),
  })
  .map(({ currency, first, rest }) => ({ currency, steps: [...first, ...rest] }));

/** The description of a step in the log, such as `buy: plan monthly, by the same customer, card good`. */
export function describeStep({ does, ...details }: Step): string {
  const words = Object.entries(details).map(([name, value]) => `${name} ${value}`);
  return words.length === 0 ? does : `${does}: ${words.join(", ")}`;
}
