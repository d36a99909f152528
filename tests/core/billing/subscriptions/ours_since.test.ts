import type Stripe from "stripe";
import { expect, test } from "vitest";
import { changedToOursAt } from "#core/billing/subscriptions/ours_since.ts";
import type { Contender } from "#core/billing/subscriptions/rank.ts";
import { kindOfLoss } from "#core/billing/subscriptions/rejection_decision.ts";

const contender = (id: string, created: number): Contender => ({
  ...{ id, created, status: "active", isEnding: false, wasPaid: false, prices: "price_month" },
  ...{ customer: "cus_ada", isOwnCustomer: false },
});
const iso = (day: number) => new Date(day * 86_400_000).toISOString();
const record = (day: number, oursSince: number | null) => ({
  stpCreatedAt: iso(day),
  ...(oursSince !== null && { oursSince: iso(oursSince) }),
});

test.each([
  ["created before the winner", 5, null, 10, null, "replaced"],
  ["created after the winner", 10, null, 5, null, "duplicate"],
  ["created before the winner was changed to our product", 10, null, 5, 300, "replaced"],
  ["created after the winner was changed to our product", 310, null, 5, 300, "duplicate"],
  ["changed to our product after the winner was", 10, 310, 5, 300, "duplicate"],
  ["changed to our product before the winner was", 10, 290, 5, 300, "replaced"],
  ["created before the winner, but changed to our product later", 5, 300, 10, null, "replaced"],
  ["changed to our product in the same event as the winner", 10, 300, 5, 300, "duplicate"],
] as const)("a loser that was %s", (_name, created, ours, keptCreated, keptOurs, kind) => {
  const state = {
    winner: contender("sub_kept", keptCreated * 86_400),
    record: record(created, ours),
    keptRecord: record(keptCreated, keptOurs),
  };
  const loser = contender("sub_loser", created * 86_400);
  expect(kindOfLoss(loser, state)).toBe(kind);
  expect(kindOfLoss(loser, { ...state, winner: null })).toBe("replaced");
});

const line = (product: string | null, start: number) => ({
  pricing: product && { price_details: { product } },
  period: { start, end: start + 30 },
});
const invoice = (...lines: object[]) => ({ lines: { data: lines } }) as unknown as Stripe.Invoice;

test.each([
  ["has no invoice", [], null],
  ["was always for our product", [invoice(line("prod_ours", 130)), invoice(line("prod_ours", 100))], null],
  ["names no product", [invoice(line(null, 100))], null],
  ["was for both from the start", [invoice(line("prod_ours", 100), line("prod_x", 100))], null],
  [
    "was changed during a period",
    [invoice(line("prod_x", 145), line("prod_ours", 145)), invoice(line("prod_x", 100))],
    145,
  ],
  ["was changed at a renewal", [invoice(line("prod_ours", 160)), invoice(line("prod_x", 100))], 160],
  ["was changed, and not billed for it yet", [invoice(line("prod_x", 100))], 200],
])("a subscription that %s became ours at the time of its invoices", (_name, invoices, at) => {
  const state = { created: 100, changedBy: 200, productIds: ["prod_ours"] };
  expect(changedToOursAt(invoices, state)).toBe(at);
});
