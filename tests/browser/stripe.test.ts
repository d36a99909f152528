import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { emptiedBrowserSuite, hasBrowser, inspect, press, says } from "#tests/support/browser.ts";

describe.skipIf(!hasBrowser)("the Stripe test controls of the local page", () => {
  const suite = emptiedBrowserSuite();

  const ask = async (page: Page, address: string, button: string) => {
    await page.fill("#address", address);
    await press(page, button);
  };
  const signIn = async (page: Page, address: string) => {
    await ask(page, address, "Send magic link");
    await page.getByText("Use link in this page").first().click();
    await says(page, "You are signed in.");
  };
  const fail = async (page: Page, calls: number, how: string) => {
    await page.fill("#fault-calls", String(calls));
    await page.selectOption("#fault-kind", { label: how });
    await press(page, "Set fault");
  };

  test.each([
    ["a server error", "ida"],
    ["a timeout", "joe"],
    ["too many requests", "kim"],
  ])(
    "a trial fails with a message while Stripe returns %s, and succeeds on the next try",
    async (how, who) => {
      const page = await suite.open();
      await fail(page, 1, how);
      await page.getByText(`The next 1 call to Stripe will fail with ${how}.`).waitFor();
      await ask(page, `${who}@example.com`, "Start a trial");
      await says(page, "The call to Stripe failed. Try again. (stripe_error)");
      await page.getByText("No faults set.").waitFor();
      await press(page, "Start a trial");
      await says(page, "Trial created.");
      expect(suite.stack.stripe.subscriptions()).toHaveLength(1);
    },
  );

  test("retries an event that Nest can't process until it can, and then shows the new status", async () => {
    const page = await suite.open();
    await signIn(page, "lea@example.com");
    await fail(page, 2, "a server error");
    await press(page, "With a working card");
    await page.locator("#subscription-mark", { hasText: "Active" }).waitFor();
    const created = page.locator("#events li", { hasText: "customer.subscription.created" });
    await created.locator(".mark", { hasText: "Done" }).waitFor();
    await page
      .locator("#events li", { hasText: /deliveries: (502, )+200/ })
      .first()
      .waitFor();
    await page.getByText("No faults set.").waitFor();
  });

  test("resends an event without further retries, after the faults are cleared", async () => {
    const page = await suite.open();
    await signIn(page, "mia@example.com");
    await fail(page, 900, "a server error");
    await press(page, "With a working card");
    const created = page.locator("#events li", { hasText: "customer.subscription.created" });
    await created.getByText("no more retries").waitFor();
    expect(await created.locator("summary .mark").textContent()).toBe("Failed: stripe_error");
    await page.locator("#subscription-mark", { hasText: "None" }).waitFor();
    await press(page, "Clear faults");
    await says(page, "Faults cleared.");
    expect(await page.evaluate("document.activeElement.id")).toBe("fault-calls");
    await created.locator("summary").click();
    await created.getByRole("button", { name: "Resend" }).click();
    await says(page, "Event resent. Nest returned 200.");
    await page.locator("#subscription-mark", { hasText: "Active" }).waitFor();
  });

  test("hides the controls of the double when Stripe is a real account in test mode", async () => {
    const page = await suite.open("/", {
      async prepare(page) {
        await page.route("**/dev/status", async (route) => {
          const response = await route.fetch();
          const status = await response.json();
          await route.fulfill({ response, json: { ...status, stripe: { mode: "test" } } });
        });
        const notFound = { status: 404, json: { code: "not_found" } };
        await page.route("**/dev/stripe", (route) => route.fulfill(notFound));
      },
    });
    await signIn(page, "ned@example.com");
    const shown = page.getByRole("button").filter({ visible: true });
    const names = await shown.allTextContents();
    expect(names).toContain("Start a trial");
    for (const name of ["+3 days", "Set fault", "With a working card"]) expect(names).not.toContain(name);
    expect(await page.locator("#stripe-title").isVisible()).toBe(false);
    suite.stack.stripe.createSubscription({ email: "ned@example.com" });
    await page.locator("#subscription-mark", { hasText: "Active" }).waitFor();
  });

  test("shows a message when the stack is unreachable and when it is back", async () => {
    const page = await suite.open();
    await page.route("**/dev/**", (route) => route.abort());
    await says(page, "Nest does not respond. Check that npm start is running.");
    await page.unroute("**/dev/**");
    await says(page, "The connection to Nest is back.");
  });

  test.each([
    [390, "light"],
    [1280, "dark"],
  ] as const)(
    "fits %i px in %s and is accessible in every state of a subscription",
    async (width, colorScheme) => {
      const page = await suite.open("/", { width, colorScheme });
      const look = (state: string) => inspect(page, `${state}-${width}-${colorScheme}`);
      const mark = (text: string) => page.locator("#subscription-mark", { hasText: text }).waitFor();
      await ask(page, `life.${colorScheme}.${width}@example.com`, "Start a trial");
      await page.getByText("Use link in this page").first().click();
      await mark("Trial");
      await page.locator("#events .mark", { hasText: "Done" }).first().waitFor();
      await look("trial");
      await page.getByText("Offline entitlement, decoded").click();
      await page.getByText("Response of").click();
      await page.locator("#events summary").first().click();
      await look("opened");
      await press(page, "Add working card");
      await says(page, "Working card added.");
      await press(page, "+14 days");
      await mark("Active");
      await press(page, "Add declining card");
      await says(page, "Declining card added.");
      await press(page, "+31 days");
      await mark("Past due");
      await fail(page, 3, "a timeout");
      await page.locator("#fault-state.bad").waitFor();
      await look("past-due");
      await press(page, "Clear faults");
      await press(page, "Open billing portal");
      await page.getByRole("heading", { name: "Your subscription", exact: true }).waitFor();
      await look("portal");
      await page.getByRole("link", { name: "Back" }).click();
      await press(page, "Cancel now");
      await mark("None");
      await look("ended");
    },
  );
});
