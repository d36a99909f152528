import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hasBrowser, inspect, launchBrowser, openPage, tabTo } from "#tests/support/browser.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";

describe.skipIf(!hasBrowser)("a subscription's life in the page", () => {
  let browser: Browser;
  let stack: TestStack;
  let page: Page;
  let context: BrowserContext;

  beforeAll(async () => {
    stack = await startTestStack();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await stack.stripe.settled();
    stack.stripe.reset();
    stack.ses.clear();
    [page, context] = await openPage(browser);
    await page.goto(stack.api.url);
  });
  afterEach(() => context.close());

  const press = (name: string) => page.getByRole("button", { name, exact: true }).click();
  const says = (text: string) => page.locator("#message", { hasText: text }).waitFor();
  /** Waits for the status as Nest answers it, in the page's words. */
  const becomes = async (mark: string, words: string) => {
    await page.locator("#subscription-mark", { hasText: mark }).waitFor();
    await page.locator("#subscription-words", { hasText: words }).waitFor();
  };
  const raw = async () => JSON.parse((await page.locator("#subscription-raw").textContent()) ?? "");
  const mails = () => page.locator("#inbox strong").allTextContents();

  const startTrial = async (address: string) => {
    await page.fill("#address", address);
    await press("Start a trial");
    await says("Your trial is ready: follow its link in the inbox.");
    expect(await mails()).toContain("🐦 Start your Beak trial");
    await page.getByText("Follow the link here").first().click();
    await says("You are signed in. Your trial has begun.");
    await becomes("Trial", "The trial is free until");
  };

  test("a trial without a card is reminded of, ends, and can't be used any more", async () => {
    await startTrial("amy@example.com");
    expect(await raw()).toMatchObject({ status: "trialing", cancel_at: null });
    expect(JSON.parse((await page.locator("#entitlement").textContent()) ?? "")).toMatchObject({
      header: { typ: "entitlement+jwt" },
      claims: { status: "trialing" },
    });
    await page.getByText("14 days left by Stripe's clock.").waitFor();
    for (const left of [11, 8, 5]) {
      await press("3 days on");
      await page.getByText(`${left} days left by Stripe's clock.`).waitFor();
    }
    expect(await mails()).not.toContain("Your Beak trial ends soon");
    await press("3 days on");
    await page.getByText("2 days left by Stripe's clock.").waitFor();
    await page.locator("#inbox").getByText("Your Beak trial ends soon").waitFor();
    expect(await page.locator("#arrivals").textContent()).toBe("New mail: Your Beak trial ends soon.");
    await becomes("Trial", "The trial is free until");
    await press("3 days on");
    await becomes("None", "There is no usable subscription.");
    expect(await raw()).toEqual({ code: "no_active_subscription" });
    await page.locator("#stripe-subscriptions .mark", { hasText: "canceled" }).waitFor();
    await press("Start a trial");
    await says("(trial_already_used)");
  });

  test("14 days at once are lived through: the reminder arrives before the end", async () => {
    await startTrial("bea@example.com");
    await press("14 days on");
    await becomes("None", "There is no usable subscription.");
    expect(await mails()).toContain("Your Beak trial ends soon");
  });

  test("with a card it goes on: active, renewed, past due, recovered, ended at the period's end", async () => {
    await startTrial("cat@example.com");
    await press("Add a card that works");
    await says("A card that works was added.");
    await press("14 days on");
    await becomes("Active", "It is paid for and renews on");
    const { end_date: firstEnd } = await raw();

    await press("A month on");
    await page.waitForFunction(
      `JSON.parse(document.getElementById("subscription-raw").textContent).end_date > "${firstEnd}"`,
    );
    await becomes("Active", "It is paid for and renews on");

    await press("Add a card that declines");
    await says("A card that declines was added.");
    await press("A month on");
    await becomes("Past due", "The last payment failed. It is usable for now.");

    await press("Add a card that works");
    await says("A card that works was added.");
    await press("3 days on");
    await becomes("Active", "It is paid for and renews on");

    await press("Cancel at period end");
    await becomes("Ends", "It is cancelled and stays usable until");
    expect(await raw()).toMatchObject({ status: "active", cancel_type: "period_end" });
    await press("Keep it");
    await becomes("Active", "It is paid for and renews on");
    await press("Cancel at period end");
    await becomes("Ends", "It is cancelled and stays usable until");
    await press("A month on");
    await becomes("None", "There is no usable subscription.");
  });

  test("a subscription is bought, with a card that declines or works, and cancelled at once", async () => {
    await page.fill("#address", "dot@example.com");
    await press("Send me a link");
    await page.getByText("Follow the link here").first().click();
    await says("You are signed in.");
    await becomes("None", "There is no usable subscription.");
    await press("With a card that declines");
    await says("Stripe has a new subscription: incomplete.");
    await becomes("Incomplete", "The first payment failed. It is usable for an hour.");
    await press("Pay £4.99 now");
    await says("The payment has failed.");
    await press("Add a card that works");
    await says("A card that works was added.");
    await press("Pay £4.99 now");
    await says("The payment has gone through.");
    await becomes("Active", "It is paid for and renews on");
    await page.locator("#inbox").getByText("Welcome to Beak!").waitFor();
    await press("Cancel now");
    await becomes("None", "There is no usable subscription.");
    await press("With a card that works");
    await becomes("Active", "It is paid for and renews on");
  });

  test("the keyboard alone starts a trial and lives it to its end", async () => {
    await tabTo(page, "address");
    await page.keyboard.type("eve@example.com");
    await tabTo(page, "start-trial");
    await page.keyboard.press("Enter");
    await says("Your trial is ready");
    await tabTo(page, "Follow the link here");
    await page.keyboard.press("Enter");
    await says("Your trial has begun.");
    expect(await page.evaluate("document.activeElement.id")).toBe("account-title");
    await tabTo(page, "14 days on");
    await page.keyboard.press("Enter");
    await becomes("None", "There is no usable subscription.");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("14 days on");
  });

  test("who has the focus in a list keeps it while the list changes", async () => {
    await startTrial("fay@example.com");
    const item = page.locator("#stripe-subscriptions li");
    await item.getByRole("button", { name: "Add a card that works" }).focus();
    await page.keyboard.press("Enter");
    await item.getByText("Card 4242.").waitFor();
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Add a card that works");
    await item.getByRole("button", { name: "Cancel now" }).focus();
    await page.keyboard.press("Enter");
    await item.getByText("Ended on").waitFor();
    expect(await page.evaluate("document.activeElement.closest('li') !== null")).toBe(true);
    const event = page.locator("#events li").last();
    await event.locator("summary").click();
    await press("With a card that works");
    await becomes("Active", "renews on");
    expect(await event.locator("details").getAttribute("open")).toBe("");
  });

  test("the billing portal opens, changes what is paid, and leads back", async () => {
    await startTrial("gil@example.com");
    await page.getByRole("link", { name: "Open the billing portal" }).click();
    await page.getByRole("heading", { name: "Your subscription", exact: true }).waitFor();
    await inspect(page, "portal-1280-light");
    await page.getByText("No card yet.").waitFor();
    await press("Add a card that works");
    await page.getByText("Visa ending in 4242").waitFor();
    await press("Cancel subscription");
    await page.getByText("Nothing more is charged.").waitFor();
    await page.getByRole("link", { name: "Back" }).click();
    await becomes("Ends", "It is cancelled and stays usable until");
    expect(new URL(page.url()).origin).toBe(stack.api.url);
  });

  test("news moves nothing that a person looks at", async () => {
    // The rows of a list make room for a new one, and a mark is as wide as its word.
    await page.evaluate(`
      window.moved = [];
      new PerformanceObserver((list) => {
        for (const { hadRecentInput, sources } of list.getEntries()) {
          const nodes = sources.map(({ node }) => node?.nodeType === Node.TEXT_NODE ? node.parentElement : node);
          const others = nodes.filter((node) => node && !node.closest(".list > li, .mark"));
          if (!hadRecentInput) moved.push(...others.map((node) => node.outerHTML.slice(0, 80)));
        }
      }).observe({ type: "layout-shift", buffered: true });
    `);
    await startTrial("hal@example.com");
    const { customer } = stack.stripe.subscriptions().at(-1) ?? { customer: "" };
    stack.stripe.attachCard(customer);
    await page.locator("#stripe-subscriptions").getByText("Card 4242.").waitFor();
    await stack.ask("POST", "/dev/stripe/clock", { advance_days: 12 });
    await page.locator("#inbox").getByText("Your Beak trial ends soon").waitFor();
    await stack.ask("POST", "/dev/stripe/clock", { advance_days: 3 });
    await becomes("Active", "renews on");
    expect(await page.evaluate("moved")).toEqual([]);
  });
});
