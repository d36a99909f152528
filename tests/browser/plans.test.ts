import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { emptiedBrowserSuite, hasBrowser, press, says } from "#tests/support/browser.ts";
import { appWithPlans } from "#tests/support/plans.ts";

// `life.test.ts` has the purchase, the change, the decline and the refund.
describe.skipIf(!hasBrowser)("plans in the local page", () => {
  const suite = emptiedBrowserSuite({ app: appWithPlans });

  const mark = (page: Page, text: string) => page.locator("#subscription-mark", { hasText: text }).waitFor();
  const offers = (page: Page) => page.locator("#plans button").allTextContents();

  test("charges nothing for a checkout that is left, and offers nothing while a payment is due", async () => {
    const page = await suite.open();
    await page.fill("#address", "buyer@example.com");
    await press(page, "Send magic link");
    await page.getByText("Use link in this page").first().click();
    await says(page, "You are signed in.");
    expect(await offers(page)).toEqual(["Buy basic", "Buy pro", "Buy yearly"]);
    await press(page, "Buy pro");
    await page.getByRole("heading", { name: "Subscribe" }).waitFor();
    await page.getByRole("link", { name: "Back" }).click();
    await says(page, "You left the checkout. Nothing was charged.");
    await mark(page, "None");
    await press(page, "Buy pro");
    await press(page, "Pay £9.99");
    await mark(page, "Active");
    await press(page, "Add declining card");
    await says(page, "Declining card added.");
    await press(page, "+31 days");
    await mark(page, "Past due");
    await page.getByText("Pay what is due in the billing portal first.").waitFor();
    expect(await offers(page)).toEqual([]);
  });
});
