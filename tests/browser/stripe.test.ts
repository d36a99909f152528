import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hasBrowser, inspect, launchBrowser, openPage, type Scheme } from "#tests/support/browser.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";

describe.skipIf(!hasBrowser)("Stripe's side of the page", () => {
  let browser: Browser;
  let stack: TestStack;

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
  });

  const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
  const says = (page: Page, text: string) => page.locator("#message", { hasText: text }).waitFor();
  const ask = async (page: Page, address: string, button: string) => {
    await page.fill("#address", address);
    await press(page, button);
  };
  const signIn = async (page: Page, address: string) => {
    await ask(page, address, "Send me a link");
    await page.getByText("Follow the link here").first().click();
    await says(page, "You are signed in.");
  };
  const fail = async (page: Page, calls: number, how: string) => {
    await page.fill("#fault-calls", String(calls));
    await page.selectOption("#fault-kind", { label: how });
    await press(page, "Make Stripe fail");
  };

  test.each([
    ["with an error", "ida"],
    ["without an answer", "joe"],
    ["as too many requests", "kim"],
  ])(
    "a trial while Stripe ends calls %s is refused in words, and works when asked for again",
    async (how, who) => {
      const [page, context] = await openPage(browser);
      await page.goto(stack.api.url);
      await fail(page, 1, how);
      await page.getByText(`The next 1 call to Stripe will end ${how}.`).waitFor();
      await ask(page, `${who}@example.com`, "Start a trial");
      await says(page, "Stripe failed. Try again. (stripe_error)");
      await page.getByText("Stripe answers as it should.").waitFor();
      await press(page, "Start a trial");
      await says(page, "Your trial is ready");
      expect(stack.stripe.subscriptions()).toHaveLength(1);
      await context.close();
    },
  );

  test("events that Nest can't work on come again until it can, and the status follows", async () => {
    const [page, context] = await openPage(browser);
    await page.goto(stack.api.url);
    await signIn(page, "lea@example.com");
    await fail(page, 2, "with an error");
    await press(page, "With a card that works");
    await page.locator("#subscription-mark", { hasText: "Active" }).waitFor();
    const created = page.locator("#events li", { hasText: "customer.subscription.created" });
    await created.locator(".mark", { hasText: "Done" }).waitFor();
    await page
      .locator("#events li", { hasText: /deliveries: (502, )+200/ })
      .first()
      .waitFor();
    await page.getByText("Stripe answers as it should.").waitFor();
    await context.close();
  });

  test("an event given up is sent again by hand, and a fault can be taken back", async () => {
    const [page, context] = await openPage(browser);
    await page.goto(stack.api.url);
    await signIn(page, "mia@example.com");
    await fail(page, 900, "with an error");
    await press(page, "With a card that works");
    const created = page.locator("#events li", { hasText: "customer.subscription.created" });
    await created.getByText("given up").waitFor();
    expect(await created.locator("summary .mark").textContent()).toBe("Failed: stripe_error");
    await page.locator("#subscription-mark", { hasText: "None" }).waitFor();
    await press(page, "Let it work");
    await says(page, "Stripe works again.");
    expect(await page.evaluate("document.activeElement.id")).toBe("fault-calls");
    await created.locator("summary").click();
    await created.getByRole("button", { name: "Send again" }).click();
    await says(page, "It was sent again; Nest answered 200.");
    await page.locator("#subscription-mark", { hasText: "Active" }).waitFor();
    await context.close();
  });

  test("with Stripe's real test mode, nothing is offered that only the double can do", async () => {
    const [page, context] = await openPage(browser);
    await page.route("**/dev/status", async (route) => {
      const response = await route.fetch();
      const status = await response.json();
      await route.fulfill({ response, json: { ...status, stripe: { mode: "test" } } });
    });
    await page.route("**/dev/stripe", (route) => route.fulfill({ status: 404, json: { code: "not_found" } }));
    await page.goto(stack.api.url);
    await signIn(page, "ned@example.com");
    const shown = page.getByRole("button").filter({ visible: true });
    const names = await shown.allTextContents();
    expect(names).toContain("Start a trial");
    for (const name of ["3 days on", "Make Stripe fail", "With a card that works"])
      expect(names).not.toContain(name);
    expect(await page.locator("#stripe-title").isVisible()).toBe(false);
    stack.stripe.createSubscription({ email: "ned@example.com" });
    await page.locator("#subscription-mark", { hasText: "Active" }).waitFor();
    await context.close();
  });

  test("says when the stack is gone, and that it is back", async () => {
    const [page, context] = await openPage(browser);
    await page.goto(stack.api.url);
    await page.getByText("real time").waitFor();
    await page.route("**/dev/**", (route) => route.abort());
    await says(page, "Nest does not answer. Is npm start running?");
    await page.unroute("**/dev/**");
    await says(page, "Nest answers again.");
    await context.close();
  });

  test.each([
    [390, "light"],
    [1280, "dark"],
  ] as const)(
    "fits %i px in %s and is accessible through a whole life",
    async (width, colorScheme: Scheme) => {
      const [page, context] = await openPage(browser, { width, colorScheme });
      const look = (state: string) => inspect(page, `${state}-${width}-${colorScheme}`);
      const mark = (text: string) => page.locator("#subscription-mark", { hasText: text }).waitFor();
      await page.goto(stack.api.url);
      await ask(page, `life.${colorScheme}.${width}@example.com`, "Start a trial");
      await page.getByText("Follow the link here").first().click();
      await mark("Trial");
      await page.locator("#events .mark", { hasText: "Done" }).first().waitFor();
      await look("trial");
      await page.getByText("The offline entitlement, decoded").click();
      await page.getByText("The answer of").click();
      await page.locator("#events summary").first().click();
      await look("opened");
      await press(page, "Add a card that works");
      await press(page, "14 days on");
      await mark("Active");
      await press(page, "Add a card that declines");
      await says(page, "A card that declines was added.");
      await press(page, "A month on");
      await mark("Past due");
      await fail(page, 3, "without an answer");
      await page.locator("#fault-state.bad").waitFor();
      await look("past-due");
      await press(page, "Let it work");
      await press(page, "Billing portal");
      await page.getByRole("heading", { name: "Your subscription", exact: true }).waitFor();
      await look("portal");
      await page.getByRole("link", { name: "Back" }).click();
      await press(page, "Cancel now");
      await mark("None");
      await look("ended");
      await context.close();
    },
    120_000,
  );
});
