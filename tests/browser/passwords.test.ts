import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { emptiedBrowserSuite, hasBrowser, inspect, press, says } from "#tests/support/browser.ts";

const INSTALLED = "Sample: installed";
const SIMPLE = "Sample: simple";
const PASSWORD = "a long enough passphrase 7";

describe.skipIf(!hasBrowser)("passwords on the local page", () => {
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
  const signIn = async (page: Page, who: string, password: string) => {
    await choose(page, "Password");
    await page.fill("#password-who", who);
    await page.fill("#password", password);
    await page.locator("#password-submit").click();
  };
  /** Opens a page on which a user of the simple client is signed in, who has a password. */
  const registered = async (address: string, options = {}) => {
    const page = await suite.open("/", options);
    await useClient(page, SIMPLE);
    await register(page, address, "abcdef");
    await says(page, "You are registered and signed in.");
    return page;
  };

  test("signs in with the password of a registration, and refuses another", async () => {
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
    await signOut(page);
    await signIn(page, "ada@example.com", "a wrong passphrase 7");
    await page.locator("#password-error", { hasText: "(invalid_credentials)" }).waitFor();
    await signIn(page, "ada@example.com", PASSWORD);
    await says(page, "You are signed in.");
    expect(await page.locator("#sessions").textContent()).toContain("with a password");
    expect(await page.inputValue("#password")).toBe("");
  });

  test("sets a new password with the code of a message, once, and signs in with it", async () => {
    const page = await registered("bea@example.com");
    await signOut(page);
    await choose(page, "Password");
    await page.fill("#password-who", "");
    await press(page, "Forgot the password");
    await page.locator("#password-who-error", { hasText: "Enter an email address" }).waitFor();
    await page.fill("#password-who", "bea@example.com");
    await press(page, "Forgot the password");
    await says(page, "The message is in the inbox.");
    await page.reload();
    await page.locator("#main").waitFor();
    await useCode(page, "#inbox");
    expect(await page.evaluate("document.activeElement.id")).toBe("new-password");
    await page.fill("#new-password", "ghijkl");
    await press(page, "Set new password");
    await says(page, "The password is set, and every session of the user has ended.");
    expect(await page.locator("#reset-form").isVisible()).toBe(false);
    await signIn(page, "bea@example.com", "abcdef");
    await page.locator("#password-error", { hasText: "(invalid_credentials)" }).waitFor();
    await signIn(page, "bea@example.com", "ghijkl");
    await says(page, "You are signed in.");
  });

  test("sets a new password with the link of a mail that another page requested, with its client", async () => {
    const asking = await registered("cas@example.com");
    await signOut(asking);
    await choose(asking, "Password");
    await asking.fill("#password-who", "cas@example.com");
    await press(asking, "Forgot the password");
    await says(asking, "The message is in the inbox.");
    const page = await suite.open();
    await page.getByText("Use link in this page").click();
    await page.locator("#reset-sent", { hasText: "With the link of an email." }).waitFor();
    expect(await page.locator("#reset-code").isVisible()).toBe(false);
    expect(await page.locator("#client option:checked").textContent()).toBe(SIMPLE);
    expect(new URL(page.url()).hash).toBe("");
    await page.fill("#new-password", "ghijkl");
    await press(page, "Set new password");
    await says(page, "The password is set, and every session of the user has ended.");
    await signIn(page, "cas@example.com", "ghijkl");
    await says(page, "You are signed in.");
  });

  test.each([
    [390, "light"],
    [390, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)("fits %i px in %s and is accessible while a password is reset", async (width, colorScheme) => {
    const look = (state: string) => inspect(page, `${state}-${width}-${colorScheme}`);
    const address = `dot.${width}.${colorScheme}@example.com`;
    const page = await suite.open("/", { width, colorScheme });
    await useClient(page, INSTALLED);
    await register(page, address, PASSWORD);
    await says(page, "The code is in the inbox. It creates the user.");
    await look("register");
    await choose(page, "Password");
    await press(page, "Forgot the password");
    await says(page, "The message is in the inbox.");
    await look("reset");
  });
});
