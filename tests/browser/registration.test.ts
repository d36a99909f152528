import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { emptiedBrowserSuite, hasBrowser, inspect, press, says } from "#tests/support/browser.ts";

const INSTALLED = "Sample: installed";
const SIMPLE = "Sample: simple";
const PASSWORD = "a long enough passphrase 7";

describe.skipIf(!hasBrowser)("registration on the local page", () => {
  const suite = emptiedBrowserSuite();

  const choose = (page: Page, way: string) => page.locator("#ways").getByText(way, { exact: true }).click();
  const useClient = async (page: Page, label: string) => {
    await page.selectOption("#client", { label });
    await says(page, `This page now uses the client ${label}.`);
  };
  const register = async (page: Page, who: string, password: string) => {
    await choose(page, "Sign up");
    await page.fill("#register-who", who);
    await page.fill("#register-password", password);
    await press(page, "Sign up");
  };
  const useCode = (page: Page, inbox: string) =>
    page
      .locator(inbox)
      .getByRole("button", { name: /^Use code/ })
      .click();
  const signOut = async (page: Page) => {
    await press(page, "Sign out");
    await says(page, "You are signed out.");
  };

  test("registers with an address that a code proves first", async () => {
    const page = await suite.open();
    await useClient(page, INSTALLED);
    await register(page, "ada@example.com", "short");
    await page.locator("#register-password-error", { hasText: "It is too short." }).waitFor();
    expect(await page.evaluate("document.activeElement.id")).toBe("register-password");
    await register(page, "ada@example.com", PASSWORD);
    await says(page, "The code is in the inbox. It creates the user.");
    expect(await page.evaluate("document.activeElement.id")).toBe("code");
    await useCode(page, "#inbox");
    await says(page, "You are signed in.");
    await page.locator("#audit .type", { hasText: "password.set" }).waitFor();
  });

  test("registers with a phone number at once, and refuses the same number", async () => {
    const page = await suite.open();
    await useClient(page, SIMPLE);
    await register(page, "+65 9123 3001", "");
    await says(page, "You are registered and signed in.");
    await page.locator("#user dd", { hasText: "+6591233001" }).waitFor();
    await signOut(page);
    await register(page, "+65 9123 3001", "");
    await page.locator("#register-who-error", { hasText: "(identifier_taken)" }).waitFor();
  });

  test.each([
    [390, "light"],
    [390, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)("fits %i px in %s and is accessible while registering", async (width, colorScheme) => {
    const address = `dot.${width}.${colorScheme}@example.com`;
    const page = await suite.open("/", { width, colorScheme });
    await useClient(page, INSTALLED);
    await register(page, address, PASSWORD);
    await says(page, "The code is in the inbox. It creates the user.");
    await inspect(page, `register-${width}-${colorScheme}`);
  });
});
