import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { emptiedBrowserSuite, hasBrowser, inspect, press, says } from "#tests/support/browser.ts";
import { appWithPlans } from "#tests/support/plans.ts";

describe.skipIf(!hasBrowser)("plans and checkout in the local page", () => {
  const suite = emptiedBrowserSuite({ app: appWithPlans });

  const mark = (page: Page, text: string) => page.locator("#subscription-mark", { hasText: text }).waitFor();
  const ownPlan = (page: Page, name: string) =>
    page.locator("#plans li", { hasText: "Your plan" }).locator("strong", { hasText: name }).waitFor();
  const offers = (page: Page) => page.locator("#plans button").allTextContents();
  const signIn = async (page: Page, address: string) => {
    await page.fill("#address", address);
    await press(page, "Send magic link");
    await page.getByText("Use link in this page").first().click();
    await says(page, "You are signed in.");
  };

  test.each([
    [390, "light"],
    [390, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)("sells a plan, changes it, declines and refunds at %i px in %s", async (width, colorScheme) => {
    const page = await suite.open("/", { width, colorScheme });
    const look = (state: string) => inspect(page, `${state}-${width}-${colorScheme}`);
    await signIn(page, `plans.${width}.${colorScheme}@example.com`);
    expect(await offers(page)).toEqual(["Buy basic", "Buy pro", "Buy yearly"]);
    await look("plans");

    await press(page, "Buy basic");
    await page.getByRole("heading", { name: "Subscribe" }).waitFor();
    await press(page, "Pay with a card that declines");
    await page.getByRole("alert").waitFor();
    await look("checkout-declined");
    await page.getByRole("link", { name: "Back" }).click();
    await says(page, "You left the checkout. Nothing was charged.");
    await mark(page, "None");

    await press(page, "Buy basic");
    await press(page, "Pay £4.99");
    await says(page, "Stripe took the payment.");
    await mark(page, "Active");
    await ownPlan(page, "basic");
    expect(await offers(page)).toEqual(["Change to pro", "Change to yearly"]);

    await press(page, "Change to pro");
    await says(page, "The plan is now pro.");
    await ownPlan(page, "pro");
    await press(page, "Add declining card");
    await says(page, "Declining card added.");
    await press(page, "Change to yearly");
    await says(page, "(payment_required)");
    await ownPlan(page, "pro");
    await press(page, "Refund last payment");
    await says(page, "Refunded £");
    await page.locator("#dots .refund button").waitFor();
    await page.getByText("Timeline as text").click();
    const text = (await page.locator("#timeline-text li").allTextContents()).join("\n");
    for (const part of [
      "£4.99 a month: Active until",
      "£9.99 a month: Active until",
      "Payment of £4.99.",
      "Plan changed.",
      " declined.",
      "Refund of £",
    ])
      expect(text).toContain(part);
    await look("plan-changed");
  });

  test("lets a trialing user buy, and offers nothing while a payment is due", async () => {
    const page = await suite.open();
    await page.fill("#address", "trial.buyer@example.com");
    await press(page, "Start a trial");
    await page.getByText("Use link in this page").first().click();
    await mark(page, "Trial");
    expect(await offers(page)).toEqual(["Buy basic", "Buy pro", "Buy yearly"]);
    await press(page, "Buy pro");
    await press(page, "Pay £9.99");
    await mark(page, "Active");
    await ownPlan(page, "pro");
    await page.locator("#spans .span", { hasText: "Ended" }).waitFor();
    await page
      .locator("#stripe-subscriptions li", { hasText: "Renews on" })
      .getByRole("button", { name: "Add declining card" })
      .click();
    await says(page, "Declining card added.");
    await press(page, "+31 days");
    await mark(page, "Past due");
    await page.getByText("Pay what is due in the billing portal first.").waitFor();
    expect(await offers(page)).toEqual([]);
  });
});
