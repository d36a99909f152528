import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { emptiedBrowserSuite, hasBrowser, inspect, press, says } from "#tests/support/browser.ts";
import { P1, P2 } from "#tests/support/passwords.ts";

const SIMPLE = "Sample: simple";

describe.skipIf(!hasBrowser)("the password of the signed-in user on the local page", () => {
  const suite = emptiedBrowserSuite();

  const signIn = async (address: string, options = {}): Promise<Page> => {
    const page = await suite.open("/", options);
    await page.selectOption("#client", { label: SIMPLE });
    await says(page, `This page now uses the client ${SIMPLE}.`);
    await page.fill("#address", address);
    await press(page, "Send magic link");
    await says(page, "The magic link is in the inbox.");
    await page.getByText("Use link in this page").first().click();
    await says(page, "You are signed in.");
    return page;
  };
  const shows = (page: Page, text: string) => page.locator("#password-state", { hasText: text }).waitFor();
  const errorAt = (page: Page, field: string, text: string) =>
    page.locator(`#${field}-error`, { hasText: text }).waitFor();

  test("sets the first password, changes it with the current one, and ends the other sessions", async () => {
    await signIn("pia@example.com");
    const page = await signIn("pia@example.com");
    await shows(page, "The user has no password.");
    await page.getByText("Set a password").click();
    expect(await page.locator("#current-password").isVisible()).toBe(false);
    await press(page, "Set password");
    await errorAt(page, "new-password", "Enter a password.");
    await page.fill("#new-password", "short");
    await press(page, "Set password");
    await errorAt(page, "new-password", "It is too short.");
    await page.fill("#new-password", P1);
    await press(page, "Set password");
    await says(page, "The password is set. 1 other session ended.");
    await shows(page, "The user has a password.");
    await page.fill("#current-password", P2);
    await page.fill("#new-password", P2);
    await press(page, "Set password");
    await errorAt(page, "current-password", "(invalid_credentials)");
    await page.fill("#current-password", P1);
    await press(page, "Set password");
    await says(page, "The password is set. 0 other sessions ended.");
    expect(await page.inputValue("#new-password")).toBe("");
    expect(await page.evaluate("document.activeElement.id")).toBe("password-title");
    await page.locator("#audit .type", { hasText: "password.set" }).first().waitFor();
  });

  test("names a client that may use passwords if the page's client may not", async () => {
    const page = await suite.open();
    await page.fill("#address", "pol@example.com");
    await press(page, "Send magic link");
    await page.getByText("Use link in this page").first().click();
    await says(page, "You are signed in.");
    expect(await page.locator("#password-steps").isVisible()).toBe(false);
    await page.locator("[data-grant=password]", { hasText: "does not have the grant password" }).waitFor();
  });

  test.each([
    [390, "light"],
    [1280, "dark"],
  ] as const)(
    "fits %i px in %s and is accessible with the form to change the password",
    async (width, colorScheme) => {
      const page = await signIn(`pat.${width}@example.com`, { width, colorScheme });
      await page.getByText("Set a password").click();
      await page.fill("#new-password", P1);
      await press(page, "Set password");
      await says(page, "The password is set.");
      await inspect(page, `password-${width}-${colorScheme}`);
    },
  );

  // The last one: the clock of the jobs does not follow.
  test("asks for a fresh sign-in to set a password 10 minutes after the sign-in", async () => {
    const page = await signIn("pip@example.com");
    suite.stack.pass(601);
    await page.getByText("Set a password").click();
    await page.fill("#new-password", P1);
    await press(page, "Set password");
    await says(page, "(reauthentication_required)");
    await shows(page, "The user has no password.");
  });
});
