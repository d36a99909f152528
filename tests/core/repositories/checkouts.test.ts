import { afterAll, beforeAll, expect, test } from "vitest";
import { nextCheckout, type Order } from "#core/billing/plans/next_checkout.ts";
import type { Checkout } from "#core/repositories/checkouts.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

const now = new Date("2026-12-01T12:00:00.000Z");
const orderOf = (userId: string, planId: string): Order => ({
  ...{ userId, planId, priceId: `price_${planId}` },
  ...{ successUrl: "https://app.example/", cancelUrl: "https://app.example/" },
});

function begun(order: Order, known: Checkout | null): Checkout {
  const step = nextCheckout(order, known, now);
  if (step.action !== "begin") throw new Error(step.action);
  return step.checkout;
}

// Otherwise nobody would end that session, and the person could pay for both.
test("an attempt does not begin if a session was recorded since the document was read", async () => {
  const { checkouts } = nest.gateway.core;
  const first = begun(orderOf("user_1", "pro"), null);
  expect(await checkouts.begin(first, null)).toBe(true);
  const read = await checkouts.findByUser("user_1");
  expect(await checkouts.recordSession(first, "cs_1", now.toISOString())).toBe(true);
  expect(await checkouts.begin(begun(orderOf("user_1", "yearly"), read), read)).toBe(false);
  const again = await checkouts.findByUser("user_1");
  const next = begun(orderOf("user_1", "yearly"), again);
  expect(next.replacedSessionId).toBe("cs_1");
  expect(await checkouts.begin(next, again)).toBe(true);
  expect(await checkouts.recordSession(first, "cs_2", now.toISOString())).toBe(false);
});

test("one of many attempts that race begins", async () => {
  const { checkouts } = nest.gateway.core;
  for (let round = 0; round < 5; round++) {
    const read = await checkouts.findByUser("user_2");
    const plans = Array.from({ length: 16 }, (_, index) => orderOf("user_2", `${round}_${index}`));
    const won = await Promise.all(plans.map((order) => checkouts.begin(begun(order, read), read)));
    expect(won.filter(Boolean)).toHaveLength(1);
  }
});
