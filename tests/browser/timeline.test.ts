import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { emptiedBrowserSuite, hasBrowser, inspect, press, says } from "#tests/support/browser.ts";

describe.skipIf(!hasBrowser)("the timeline of the local page", () => {
  const suite = emptiedBrowserSuite();

  const mark = (page: Page, text: string) => page.locator("#subscription-mark", { hasText: text }).waitFor();
  const startTrial = async (page: Page, address: string) => {
    await page.fill("#address", address);
    await press(page, "Start a trial");
    await page.getByText("Use link in this page").first().click();
    await mark(page, "Trial");
  };
  const spans = (page: Page) => page.locator("#spans .span").allTextContents();
  const isInDots = (page: Page) => page.evaluate("document.activeElement.closest('#dots') !== null");
  const rows = (page: Page) => page.locator("#timeline-text li").allTextContents();

  test.each([
    [390, "light"],
    [390, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)(
    "shows a whole life at %i px in %s: trial, active, past due, ended",
    async (width, colorScheme) => {
      const page = await suite.open("/", { width, colorScheme });
      await page.getByText("After a sign-in, this shows").waitFor();
      await startTrial(page, `life.${width}.${colorScheme}@example.com`);
      await page.locator("#spans .span", { hasText: "Trial" }).waitFor();
      await press(page, "Add working card");
      await says(page, "Working card added.");
      await press(page, "+14 days");
      await mark(page, "Active");
      await press(page, "Add declining card");
      await says(page, "Declining card added.");
      await press(page, "+31 days");
      await mark(page, "Past due");
      await page.locator("#spans .past_due").waitFor();
      await inspect(page, `timeline-past-due-${width}-${colorScheme}`);
      await press(page, "Cancel now");
      await mark(page, "None");
      await press(page, "+3 days");
      await page.locator("#spans .canceled").waitFor();
      expect(await spans(page)).toEqual(["Trial", "Active", "Past due", "Ended"]);
      await page.getByText("Timeline as text").click();
      const text = (await rows(page)).join("\n");
      for (const part of [
        "Beak, £4.99 a month: Trial until",
        "Email: 🐦 Start your Beak trial.",
        "Email: Your Beak trial ends soon.",
        "Payment of £4.99.",
        "Payment of £4.99 declined.",
        "Subscription ended.",
      ])
        expect(text).toContain(part);
      await inspect(page, `timeline-ended-${width}-${colorScheme}`);
    },
  );

  test("has one row for each of two statuses that begin in the same second, however often it is drawn", async () => {
    const page = await suite.open();
    const at = "2026-01-02T03:04:05.000Z";
    const price = { amount: 499, currency: "gbp", interval: "month" };
    const spans = [
      { status: "incomplete", price, from: at, to: at },
      { status: "active", price, from: at, to: null },
    ];
    const timeline = { subscriptions: [{ id: "sub_1", product: "Beak", spans, until: null }], moments: [] };
    const texts = await page.evaluate(`
      import("/assets/timeline.js").then(({ showTimeline }) => {
        for (const day of [3, 4, 5, 6]) showTimeline(${JSON.stringify(timeline)}, "2026-01-0" + day + "T00:00:00.000Z");
        return [...document.querySelectorAll("#timeline-text li")].map((row) => row.textContent);
      })`);
    expect(texts).toEqual([
      "2 January 2026 at 03:04 UTC: Beak, £4.99 a month: Incomplete until 2 January 2026 at 03:04 UTC.",
      "2 January 2026 at 03:04 UTC: Beak, £4.99 a month: Active since 2 January 2026 at 03:04 UTC.",
    ]);
  });

  test("shows a refund, and is read by the arrow keys", async () => {
    const page = await suite.open();
    await startTrial(page, "abe@example.com");
    await press(page, "Add working card");
    await says(page, "Working card added.");
    await press(page, "+14 days");
    await mark(page, "Active");
    await press(page, "Refund last payment");
    await page.getByText("Refunded £4.99.").waitFor();
    const dot = page.locator("#dots .refund button");
    await dot.waitFor();
    for (let press = 0; press < 60 && !(await isInDots(page)); press++) await page.keyboard.press("Tab");
    expect(await isInDots(page)).toBe(true);
    expect(await page.locator("#dots [tabindex='0']").count()).toBe(1);
    await page.keyboard.press("End");
    for (let step = 0; step < 20; step++) {
      if (await page.evaluate("document.activeElement.closest('.refund') !== null")) break;
      await page.keyboard.press("ArrowLeft");
    }
    expect(await page.locator("#moment").textContent()).toMatch(/ UTC: Refund of £4\.99\.$/);
    await page.keyboard.press("Home");
    expect(await page.locator("#moment").textContent()).toContain("Email: 🐦 Start your Beak trial.");
    // A redrawn timeline keeps the focus.
    await suite.stack.ask("POST", "/dev/stripe/clock", { advance_days: 1 });
    await page.getByText("15 days ahead").waitFor();
    expect(await isInDots(page)).toBe(true);
  });
});
