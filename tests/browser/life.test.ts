import type { Page } from "playwright-core";
import { beforeEach, describe, expect, test } from "vitest";
import { emptiedBrowserSuite, hasBrowser, inspect, tabTo } from "#tests/support/browser.ts";
import { appWithPlans } from "#tests/support/plans.ts";

describe.skipIf(!hasBrowser)("the life of a subscription in the local page", () => {
  const suite = emptiedBrowserSuite({ app: appWithPlans });
  let page: Page;
  beforeEach(async () => {
    page = await suite.open();
  });

  const press = (name: string) => page.getByRole("button", { name, exact: true }).click();
  const says = (text: string) => page.locator("#message", { hasText: text }).waitFor();
  /** Waits until the page shows this status. */
  const becomes = async (mark: string, text: string) => {
    await page.locator("#subscription-mark", { hasText: mark }).waitFor();
    await page.locator("#subscription-text", { hasText: text }).waitFor();
  };
  const raw = async () => JSON.parse((await page.locator("#subscription-raw").textContent()) ?? "");
  const mails = () => page.locator("#inbox strong").allTextContents();

  const startTrial = async (address: string) => {
    await page.fill("#address", address);
    await press("Start a trial");
    await says("Trial created. Its magic link is in the inbox.");
    expect(await mails()).toContain("🐦 Start your Beak trial");
    await page.getByText("Use link in this page").first().click();
    await says("You are signed in. Your trial has started.");
    await becomes("Trial", "Free trial until");
  };

  test("a trial without a card sends a reminder, ends, and is not usable afterwards", async () => {
    await startTrial("amy@example.com");
    expect(await raw()).toMatchObject({ status: "trialing", cancel_at: null });
    expect(JSON.parse((await page.locator("#entitlement").textContent()) ?? "")).toMatchObject({
      header: { typ: "entitlement+jwt" },
      claims: { status: "trialing" },
    });
    await page.getByText("14 days left by Stripe's clock.").waitFor();
    for (const left of [11, 8, 5]) {
      await press("+3 days");
      await page.getByText(`${left} days left by Stripe's clock.`).waitFor();
    }
    expect(await mails()).not.toContain("Your Beak trial ends soon");
    await press("+3 days");
    await page.getByText("2 days left by Stripe's clock.").waitFor();
    await page.locator("#inbox").getByText("Your Beak trial ends soon").waitFor();
    expect(await page.locator("#arrivals").textContent()).toBe("New email: Your Beak trial ends soon.");
    await becomes("Trial", "Free trial until");
    await press("+3 days");
    await becomes("None", "No usable subscription.");
    expect(await raw()).toEqual({ code: "no_active_subscription" });
    await page.locator("#stripe-subscriptions .mark", { hasText: "canceled" }).waitFor();
    expect(await page.locator("#signed-in-trial").isVisible()).toBe(false);
    await page.getByText("This email address or device already had a trial.").waitFor();
  });

  test("advancing the clock by 14 days sends the reminder before the trial ends", async () => {
    const barHeight = () => page.evaluate("document.getElementById('status').offsetHeight");
    await startTrial("bea@example.com");
    const before = await barHeight();
    await press("+14 days");
    await becomes("None", "No usable subscription.");
    await page.getByText("The app asks the user to subscribe.").waitFor();
    expect(await barHeight()).toBe(before);
    await page.locator("#inbox").getByText("Your Beak trial ends soon").waitFor();
  });

  test("a trial with a card becomes active, renews, becomes past due, recovers, and ends with its period", async () => {
    await startTrial("cat@example.com");
    await press("Add working card");
    await says("Working card added.");
    await press("+14 days");
    await becomes("Active", "Paid. Renews on");
    const { end_date: firstEnd } = await raw();

    await press("+31 days");
    // Not a function in the page: its policy allows no evaluation of text.
    await page
      .locator("#subscription-raw")
      .filter({ hasNotText: new RegExp(`"end_date": *"${firstEnd}"`) })
      .waitFor({ state: "attached" });
    await becomes("Active", "Paid. Renews on");

    await press("Add declining card");
    await says("Declining card added.");
    await press("+31 days");
    await becomes("Past due", "The last payment failed. It is still usable.");

    await press("Add working card");
    await says("Working card added.");
    await press("+3 days");
    await becomes("Active", "Paid. Renews on");

    await press("Cancel at period end");
    await becomes("Ends", "Canceled. It stays usable until");
    expect(await raw()).toMatchObject({ status: "active", cancel_type: "period_end" });
    await press("Undo cancellation");
    await becomes("Active", "Paid. Renews on");
    await press("Cancel at period end");
    await becomes("Ends", "Canceled. It stays usable until");
    await press("+31 days");
    await becomes("None", "No usable subscription.");
  });

  test.each([
    [390, "light"],
    [390, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)(
    "a trial becomes a plan by checkout, changes plan, is declined and refunded, at %i px in %s",
    async (width, colorScheme) => {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const look = (state: string) => inspect(page, `life-${state}-${width}-${colorScheme}`);
      const plan = (name: string) =>
        page.locator("#plans li", { hasText: "Your plan" }).locator("strong", { hasText: name }).waitFor();
      const offers = () => page.locator("#plans button").allTextContents();
      await startTrial(`plans.${width}.${colorScheme}@example.com`);
      expect(await offers()).toEqual(["Buy basic", "Buy pro", "Buy yearly"]);
      await look("trial");

      await press("Buy basic");
      await press("Pay with a card that declines");
      await page.getByRole("alert").getByText("Your card was declined.").waitFor();
      await press("Pay £4.99");
      await says("Stripe took the payment.");
      await becomes("Active", "Paid. Renews on");
      await plan("basic");
      await page.locator("#spans .span", { hasText: "Ended" }).waitFor();
      expect(await offers()).toEqual(["Change to pro", "Change to yearly"]);

      await press("Change to pro");
      await says("The plan is now pro.");
      await plan("pro");

      const bought = page.locator("#stripe-subscriptions li", { hasText: "Renews on" });
      await bought.getByRole("button", { name: "Add declining card" }).click();
      await says("Declining card added.");
      await press("Change to yearly");
      await says("(payment_required)");
      await plan("pro");

      await bought.getByRole("button", { name: "Refund last payment" }).click();
      await says("Refunded £");
      await page.locator("#dots .refund button").waitFor();
      await page.getByText("Timeline as text").click();
      const text = (await page.locator("#timeline-text li").allTextContents()).join("\n");
      for (const part of [
        "£4.99 a month: Trial until",
        "£4.99 a month: Active until",
        "£9.99 a month: Active until",
        "Email: 🐦 Start your Beak trial.",
        "Subscription ended.",
        "Payment of £4.99.",
        "Plan changed.",
        " declined.",
        "Refund of £",
      ])
        expect(text).toContain(part);
      await look("plans");
    },
  );

  test("buys a subscription with a declining or a working card, and cancels it at once", async () => {
    await page.fill("#address", "dot@example.com");
    await press("Send magic link");
    await page.getByText("Use link in this page").first().click();
    await says("You are signed in.");
    await becomes("None", "No usable subscription.");
    await press("With a declining card");
    await says("Stripe created a subscription. Its status is incomplete.");
    await becomes("Incomplete", "The first payment failed. It stays usable for one hour.");
    await press("Pay £4.99 now");
    await says("Payment failed.");
    await press("Add working card");
    await says("Working card added.");
    await press("Pay £4.99 now");
    await says("Payment succeeded.");
    await becomes("Active", "Paid. Renews on");
    await page.locator("#inbox").getByText("Welcome to Beak!").waitFor();
    await press("Cancel now");
    await becomes("None", "No usable subscription.");
    await press("With a working card");
    await becomes("Active", "Paid. Renews on");
  });

  test("starts a trial and advances it to its end by keyboard alone", async () => {
    await tabTo(page, "address");
    await page.keyboard.type("eve@example.com");
    await tabTo(page, "start-trial");
    await page.keyboard.press("Enter");
    await says("Trial created.");
    await tabTo(page, "Use link in this page");
    await page.keyboard.press("Enter");
    await says("Your trial has started.");
    expect(await page.evaluate("document.activeElement.id")).toBe("account-title");
    await tabTo(page, "+14 days");
    await page.keyboard.press("Enter");
    await becomes("None", "No usable subscription.");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("+14 days");
  });

  test("a list item keeps the focus and stays open while the list changes", async () => {
    await startTrial("fay@example.com");
    const item = page.locator("#stripe-subscriptions li");
    await item.getByRole("button", { name: "Add working card" }).focus();
    await page.keyboard.press("Enter");
    await item.getByText("Card 4242.").waitFor();
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Add working card");
    await item.getByRole("button", { name: "Cancel now" }).focus();
    await page.keyboard.press("Enter");
    await item.getByText("Ended on").waitFor();
    expect(await page.evaluate("document.activeElement.closest('li') !== null")).toBe(true);
    const event = page.locator("#events li").last();
    await event.locator("summary").click();
    await press("With a working card");
    await becomes("Active", "Renews on");
    expect(await event.locator("details").getAttribute("open")).toBe("");
  });

  test("opens the billing portal, changes the card and the subscription, and returns", async () => {
    await startTrial("gil@example.com");
    await page.getByRole("link", { name: "Open the billing portal" }).click();
    await page.getByRole("heading", { name: "Your subscription", exact: true }).waitFor();
    await inspect(page, "portal-1280-light");
    await page.getByText("No card yet.").waitFor();
    await press("Add a card that works");
    await page.getByText("Visa ending in 4242").waitFor();
    await press("Cancel subscription");
    await page.getByText("There are no further charges.").waitFor();
    await page.getByRole("link", { name: "Back" }).click();
    await becomes("Ends", "Canceled. It stays usable until");
    expect(new URL(page.url()).origin).toBe(suite.stack.api.url);
  });

  test("the first data, and later emails and events, shift nothing outside their lists", async () => {
    // The entries of a frame are delivered after it. A new row may move the other rows of its list, and a badge is as
    // wide as its text.
    const afterFrames = (work: string) =>
      page.evaluate(
        `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(${work}))))`,
      );
    const moved = () => afterFrames("moved");
    const observe = (isBuffered: boolean) =>
      afterFrames(`(() => {
        window.observer?.disconnect();
        window.moved = [];
        window.observer = new PerformanceObserver((list) => {
          for (const { sources } of list.getEntries()) {
            const nodes = sources.map(({ node }) => node?.nodeType === Node.TEXT_NODE ? node.parentElement : node);
            const others = nodes.filter((node) => node && !node.closest(".list > li, .mark"));
            moved.push(...others.map((node) => node.outerHTML.slice(0, 80)));
          }
        });
        observer.observe({ type: "layout-shift", buffered: ${isBuffered} });
      })()`);
    await observe(true);
    expect(await moved()).toEqual([]);
    await startTrial("hal@example.com");
    await observe(false);
    const { customer } = suite.stack.stripe.subscriptions().at(-1) ?? { customer: "" };
    suite.stack.stripe.attachCard(customer);
    await page.locator("#stripe-subscriptions").getByText("Card 4242.").waitFor();
    await suite.stack.ask("POST", "/dev/stripe/clock", { advance_days: 12 });
    await page.locator("#inbox").getByText("Your Beak trial ends soon").waitFor();
    await suite.stack.ask("POST", "/dev/stripe/clock", { advance_days: 3 });
    await becomes("Active", "Renews on");
    expect(await moved()).toEqual([]);
  });
});
