import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { emptiedBrowserSuite, hasBrowser, inspect, press, says } from "#tests/support/browser.ts";

/** Whether the center of an element is not covered by another element. */
const isUncovered = (page: Page, selector: string) =>
  page.evaluate(`(() => {
    const element = document.querySelector('${selector}');
    const { x, y, width, height } = element.getBoundingClientRect();
    return element.contains(document.elementFromPoint(x + width / 2, y + height / 2));
  })()`);

describe.skipIf(!hasBrowser)("forms, messages and status of the local page", () => {
  const suite = emptiedBrowserSuite();

  const startTrial = async (page: Page, address: string) => {
    await page.fill("#address", address);
    await press(page, "Start a trial");
  };
  /** Waits until the field shows an error beside it, has the focus and is announced as invalid. */
  const isRefused = async (page: Page, id: string, text: string) => {
    await page.locator(`#${id}-error`, { hasText: text }).waitFor();
    expect(await page.getAttribute(`#${id}`, "aria-describedby")).toBe(`${id}-error`);
    expect(await page.getAttribute(`#${id}`, "aria-invalid")).toBe("true");
    expect(await page.evaluate("document.activeElement.id")).toBe(id);
    expect(await page.locator("#message").textContent()).toBe("");
  };

  test("shows an error of the email address beside the field, until the address changes", async () => {
    const page = await suite.open("/", { width: 390 });
    await press(page, "Send magic link");
    await isRefused(page, "address", "Enter an email address.");
    await page.fill("#address", "no address");
    expect(await page.getAttribute("#address", "aria-invalid")).toBeNull();
    expect(await page.locator("#address-error").textContent()).toBe("");
    await press(page, "Send magic link");
    await isRefused(page, "address", "Enter a valid email address. (invalid_email)");
    await inspect(page, "field-error-390-light");
    await startTrial(page, "una@example.com");
    await says(page, "Trial created.");
    expect(await page.locator("#address-error").textContent()).toBe("");
    await startTrial(page, "una.two@example.com");
    await isRefused(page, "address", "(trial_already_used)");
  });

  test("shows the errors of a pasted code and of a number beside their fields", async () => {
    const page = await suite.open();
    await page.getByText("Paste a code instead").click();
    await page.locator("#paste-form button").click();
    await isRefused(page, "pasted", "Paste the text that the landing page shows.");
    await page.fill("#pasted", "code=a&state=b");
    await page.locator("#paste-form button").click();
    await isRefused(page, "pasted", "(unknown_link)");
    await page.fill("#fault-calls", "0");
    await press(page, "Set fault");
    await isRefused(page, "fault-calls", "Enter a whole number from 1 to 1000.");
  });

  test.each([390, 1280])(
    "reserves space for messages at %i px: they cover nothing and can be dismissed",
    async (width) => {
      const page = await suite.open("/", { width });
      const bar = () => page.locator("footer").boundingBox();
      const empty = await bar();
      await press(page, "Set fault");
      await says(page, "Fault set for the next 3 calls to Stripe.");
      expect(await bar()).toEqual(empty);
      await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)");
      const { y: top } = (await bar()) ?? { y: 0 };
      const ends = (await page.evaluate(
        "[...document.querySelectorAll('.card')].map((card) => card.getBoundingClientRect().bottom)",
      )) as number[];
      expect(Math.max(...ends)).toBeLessThanOrEqual(top);
      await page.getByRole("button", { name: "Dismiss" }).focus();
      await page.keyboard.press("Enter");
      expect(await page.locator("#message").textContent()).toBe("");
      expect(await page.evaluate("document.activeElement.localName")).toBe("footer");
      await page.locator("#fault-clear").scrollIntoViewIfNeeded();
      expect(await isUncovered(page, "#fault-clear")).toBe(true);
      await press(page, "Clear faults");
      await says(page, "Faults cleared.");
      await page.keyboard.press("Escape");
      expect(await page.locator("#message").textContent()).toBe("");
      expect(await page.getByRole("button", { name: "Dismiss" }).isVisible()).toBe(false);
    },
  );

  test.each([390, 1280])(
    "has its bars where they stay at %i px before it knows anything of the stack",
    async (width) => {
      const held = Promise.withResolvers<void>();
      const page = await suite.open("/", {
        width,
        isLoading: true,
        prepare: (page) => page.route("**/dev/status", (route) => held.promise.then(() => route.continue())),
      });
      const bars = () =>
        Promise.all(["#status", "footer"].map((selector) => page.locator(selector).boundingBox()));
      await page.getByText("Loading…").waitFor();
      const first = await bars();
      const { y = 0, height = 0 } = first[1] ?? {};
      expect(y + height).toBe(page.viewportSize()?.height);
      held.resolve();
      await page.locator("#main").waitFor();
      expect(await bars()).toEqual(first);
    },
  );

  test("keeps the status in view at 390 px while the clock is advanced", async () => {
    const page = await suite.open("/", { width: 390 });
    await startTrial(page, "vic@example.com");
    await page.getByText("Use link in this page").first().click();
    // The end of the sign-in moves the focus to the top of the page.
    await says(page, "Your trial has started.");
    await press(page, "+14 days");
    await page.locator("#subscription-mark", { hasText: "None" }).waitFor();
    expect(await isUncovered(page, "#subscription-mark")).toBe(true);
    await expect.poll(() => isUncovered(page, '[data-days="14"]')).toBe(true);
    const { y = -1, height = 0 } = (await page.locator("#status").boundingBox()) ?? {};
    expect(y).toBe(0);
    expect(height).toBeLessThan(120);
  });

  test("shows only controls that have an effect now", async () => {
    const page = await suite.open();
    const hidden = ["Clear faults", "Clear emails", "Dismiss", "With a working card"];
    for (const name of hidden) expect(await page.getByRole("button", { name }).count(), name).toBe(0);
    await startTrial(page, "wes@example.com");
    await page.getByText("Use link in this page").first().click();
    await page.locator("#subscription-mark", { hasText: "Trial" }).waitFor();
    await press(page, "Set fault");
    await says(page, "Fault set");
    for (const name of hidden) expect(await page.getByRole("button", { name }).count(), name).toBe(1);
    expect(await page.getByRole("button", { name: "Refund last payment" }).count()).toBe(0);
    expect(await page.locator("button:disabled").count()).toBe(0);
    await press(page, "Clear faults");
    await press(page, "Clear emails");
    await page.locator("#empty").waitFor({ state: "hidden" });
  });
});
