import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { emptiedBrowserSuite, hasBrowser, inspect, press, says } from "#tests/support/browser.ts";
import { MAC, REDIRECT, type Tokens } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

describe.skipIf(!hasBrowser)("addresses of the signed-in user on the local page", () => {
  const suite = emptiedBrowserSuite();

  const signedIn = async (address: string, options = {}): Promise<Page> => {
    const page = await suite.open("/", options);
    await page.fill("#address", address);
    await press(page, "Send magic link");
    await says(page, "The magic link is in the inbox.");
    await page.getByText("Use link in this page").first().click();
    await says(page, "You are signed in.");
    await item(page, address).waitFor();
    return page;
  };
  const item = (page: Page, address: string) => page.locator("#addresses li", { hasText: address });
  const useCode = (page: Page, inbox: string) =>
    page
      .locator(inbox)
      .getByRole("button", { name: /^Use code/ })
      .click();
  const add = async (page: Page, address: string) => {
    if (!(await page.locator("#new-address").isVisible())) await page.getByText("Add an address").click();
    await page.fill("#new-address", address);
    await page.locator("#address-form button").click();
  };

  test("adds a phone number and another address, and removes the first", async () => {
    const page = await signedIn("eva@example.com");
    await item(page, "eva@example.com").getByText("Primary").waitFor();
    expect(await page.locator("#verify-form").isVisible()).toBe(false);

    await add(page, "no number");
    await page.locator("#new-address-error", { hasText: "(invalid_identifier)" }).waitFor();
    await add(page, "+65 9123 4001");
    await says(page, "The code is in the inbox.");
    await item(page, "+6591234001").getByText("Not verified").waitFor();
    await page.fill("#verify-code", "000000");
    await page.locator("#verify-form button").click();
    await page.locator("#verify-code-error", { hasText: "(verification_not_found)" }).waitFor();
    await useCode(page, "#sms");
    await says(page, "+65 9123 4001 is verified.");
    await page.locator("#user dd", { hasText: "+6591234001" }).waitFor();

    await add(page, "eve@example.com");
    await says(page, "The code is in the inbox.");
    await useCode(page, "#inbox");
    await says(page, "eve@example.com is verified.");
    await page.getByRole("button", { name: "Make primary: eve@example.com" }).click();
    await says(page, "eve@example.com is primary now.");
    await page.locator("#user dd", { hasText: "eve@example.com" }).waitFor();
    await page.getByRole("button", { name: "Remove: eva@example.com" }).click();
    await says(page, "eva@example.com is removed.");
    expect(await item(page, "eva@example.com").count()).toBe(0);
    await page.locator("#audit .type", { hasText: "identifier.removed" }).waitFor();
  });

  test("verifies an address with the link of a mail", async () => {
    const page = await signedIn("hal@example.com");
    const { access_token } = (await page.evaluate(
      `JSON.parse(localStorage.getItem("${MAC}.tokens"))`,
    )) as Tokens;
    const asked = { client_id: MAC, identifier_type: "email", identifier_value: "hal.second@example.com" };
    const sent = await suite.stack.ask(
      "POST",
      `${V3}send_verification`,
      { ...asked, delivery: "link", redirect_uri: REDIRECT },
      { authorization: `bearer ${access_token}` },
    );
    expect(sent.status).toBe(200);
    const mail = page.locator("#inbox li", { hasText: "hal.second@example.com" });
    await mail.getByText("Use link in this page").click();
    await says(page, "The address is verified.");
    await item(page, "hal.second@example.com").getByText("Verified", { exact: true }).waitFor();
    expect(new URL(page.url()).hash).toBe("");
  });

  test.each([
    [390, "light"],
    [390, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)(
    "fits %i px in %s and is accessible with an address that waits for its code",
    async (width, colorScheme) => {
      const page = await signedIn(`gus.${width}.${colorScheme}@example.com`, { width, colorScheme });
      await add(page, `gus.${width}.${colorScheme}.second@example.com`);
      await says(page, "The code is in the inbox.");
      await inspect(page, `addresses-${width}-${colorScheme}`);
    },
  );
});
