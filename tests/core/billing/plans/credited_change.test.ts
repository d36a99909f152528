import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import type { TestNest } from "#tests/support/nest.ts";
import { type Shopper, signInShopper, startShop } from "#tests/support/plans.ts";

let nest: TestNest;
let ada: Shopper;
beforeEach(async () => {
  nest = await startShop();
  ada = await signInShopper(nest);
});
afterEach(() => nest.stop());

/** All that the customers were charged, and all that they got back or have as balance. */
function totals() {
  const { charges, refunds, balanceTransactions } = nest.stripe.ledger();
  const sum = (amounts: number[]) => amounts.reduce((total, amount) => total + amount, 0);
  return {
    charged: sum(charges.filter(({ paid }) => paid).map(({ amount }) => amount)),
    refunded: sum(refunds.map(({ amount }) => amount)),
    credited: -sum(balanceTransactions.map(({ amount }) => amount)),
  };
}

test("credits no part of a period twice when a cheaper plan is replaced by a purchase", async () => {
  await ada.buy("pro");
  nest.clock.advance(60);
  expect((await ada.call("change_plan", { plan: "basic" })).status).toBe(200);
  await nest.deliverEvents();
  // Stripe credited the difference of the plans, almost all of it.
  const { credited: difference } = totals();
  expect(difference).toBeGreaterThanOrEqual(499);
  nest.clock.advance(DAY);
  await ada.buy("yearly");
  expect((await ada.status()).body.plan).toBe("yearly");
  // The yearly plan used the difference. What the replaced subscription returns is the rest of basic, not of pro.
  const { charged, refunded, credited } = totals();
  expect(charged).toBe(999 + 4900 - difference);
  expect(refunded).toBe(0);
  expect(credited).toBeGreaterThan(450);
  expect(credited).toBeLessThanOrEqual(499);
});
