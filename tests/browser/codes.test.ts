import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import app from "#app";
import type { App } from "#core/app/app.ts";
import {
  browserSuite,
  emptiedBrowserSuite,
  hasBrowser,
  inspect,
  press,
  says,
  tabTo,
} from "#tests/support/browser.ts";
import { digitsIn, wrongCode } from "#tests/support/codes.ts";

/** The app, whose clients require a CAPTCHA to send a code. */
const careful: App = {
  ...app,
  clients: app.clients.map((client) => ({
    ...client,
    captcha: { provider: "turnstile", hostnames: ["localhost"], requiredFor: ["send_otp"] },
  })),
};

describe.skipIf(!hasBrowser)("codes on the local page", () => {
  const suite = emptiedBrowserSuite();

  const choose = (page: Page, way: string) => page.getByText(way, { exact: true }).first().click();
  const sendCode = async (page: Page, to: string) => {
    await page.fill("#code-to", to);
    await press(page, "Send code");
    await says(page, "The code is in the inbox.");
  };
  const isSignedInAs = async (page: Page, who: string) => {
    await says(page, "You are signed in.");
    await page.locator("#user dd", { hasText: who }).waitFor();
  };

  test("signs in with the button of the SMS, and offers a code neither twice nor after a newer one", async () => {
    const page = await suite.open();
    await choose(page, "Code");
    await sendCode(page, "+65 9123 1001");
    expect(await page.evaluate("document.activeElement.id")).toBe("code");
    await page
      .locator("#sms")
      .getByRole("button", { name: /^Use code/ })
      .click();
    await isSignedInAs(page, "+6591231001");
    expect(await page.locator("#sessions").textContent()).toContain("with a code");
    await page.locator("#sms button").waitFor({ state: "detached" });
    await press(page, "Sign out");
    await says(page, "You are signed out.");
    await sendCode(page, "old@example.com");
    const [mail] = suite.stack.ses.inbox;
    const newer = { ...mail, subject: "000000 is your Beak code", text: "" };
    await page.route("**/dev/inbox", (route) => route.fulfill({ json: [mail, newer] }));
    await page.locator("#inbox li").nth(1).waitFor();
    const uses = page.locator("#inbox").getByRole("button", { name: /^Use code/ });
    expect(await uses.allTextContents()).toEqual(["Use code 000000"]);
  });

  test("signs in by keyboard alone with a code by email, after a reload and a wrong code", async () => {
    const page = await suite.open();
    await tabTo(page, "way-link");
    await page.keyboard.press("ArrowRight");
    await tabTo(page, "code-to");
    await page.keyboard.type("kay@example.com");
    await page.keyboard.press("Enter");
    await says(page, "The code is in the inbox.");
    const code = digitsIn(suite.stack.ses.inbox.at(-1)?.text ?? "");
    await page.reload();
    await page.locator("#main").waitFor();
    await choose(page, "Code");
    await page.locator("#code").focus();
    await page.keyboard.press("Enter");
    await page.locator("#code-error", { hasText: "Enter the six digits." }).waitFor();
    await page.keyboard.type(wrongCode(code));
    await page.keyboard.press("Enter");
    await page.locator("#code-error", { hasText: "(verification_not_found)" }).waitFor();
    await page.locator("#code").selectText();
    await page.keyboard.type(code);
    await page.keyboard.press("Enter");
    await isSignedInAs(page, "kay@example.com");
    expect(await page.evaluate("document.activeElement.id")).toBe("account-title");
  });

  test("keeps what was typed when another way is chosen, and shows errors of the recipient beside the field", async () => {
    const page = await suite.open("/", { width: 390 });
    await page.fill("#address", "lou@example.com");
    await choose(page, "Code");
    expect(await page.inputValue("#code-to")).toBe("lou@example.com");
    const refused = async (to: string, text: string) => {
      await page.fill("#code-to", to);
      await press(page, "Send code");
      await page.locator("#code-to-error", { hasText: text }).waitFor();
      expect(await page.evaluate("document.activeElement.id")).toBe("code-to");
    };
    await refused("", "Enter an email address or a phone number.");
    await refused("no number", "(invalid_identifier)");
    await refused("+33 6 12 34 56 78", "(country_not_allowed)");
    await choose(page, "Magic link");
    expect(await page.locator("#link-form").isVisible()).toBe(true);
    expect(await page.locator("#send-code-form").isVisible()).toBe(false);
  });

  test("names the missing grant of a client, and changes to a client that has it", async () => {
    const page = await suite.open("/", {
      prepare: (page) =>
        page.route("**/dev/status", async (route) => {
          const response = await route.fetch();
          const status = await response.json();
          const clients = status.app.clients.map((client: object) => ({ ...client, grants: [] }));
          await route.fulfill({ response, json: { ...status, app: { ...status.app, clients } } });
        }),
    });
    await choose(page, "Code");
    await page.getByText("Beak for macOS does not have the grant otp.").waitFor();
    expect(await page.locator("#send-code-form").isVisible()).toBe(false);
    await press(page, "Use Sample: installed");
    await says(page, "This page now uses the client Sample: installed.");
    await sendCode(page, "+65 9123 1002");
    await page.selectOption("#client", { label: "Beak for macOS" });
    await says(page, "This page now uses the client Beak for macOS.");
    // The code belongs to the client that requested it, whichever client is chosen when it is used.
    await page
      .locator("#sms")
      .getByRole("button", { name: /^Use code/ })
      .click();
    await isSignedInAs(page, "+6591231002");
    expect(await page.locator("#client option:checked").textContent()).toBe("Sample: installed");
  });

  test.each([
    [390, "light"],
    [390, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)(
    "fits %i px in %s and is accessible with a code and with a phone's user",
    async (width, scheme) => {
      const page = await suite.open("/", { width, colorScheme: scheme });
      await choose(page, "Code");
      await inspect(page, `code-way-${width}-${scheme}`);
      await sendCode(page, `+65 9123 2${width === 390 ? 0 : 1}0${scheme === "light" ? 0 : 1}`);
      await inspect(page, `code-sent-${width}-${scheme}`);
      await page
        .locator("#sms")
        .getByRole("button", { name: /^Use code/ })
        .click();
      await says(page, "You are signed in.");
      await page.locator("#audit li").first().waitFor();
      await page.locator("#audit summary").first().click();
      await inspect(page, `code-signed-in-${width}-${scheme}`);
    },
  );
});

describe.skipIf(!hasBrowser)("a client that requires a CAPTCHA, on the local page", () => {
  const suite = browserSuite({ app: careful });

  test("gets its code: the page sends the call again with a token, and shows both calls", async () => {
    const page = await suite.open();
    await page.locator("#ways").getByText("Code").click();
    await page.fill("#code-to", "cap@example.com");
    await press(page, "Send code");
    await says(page, "The code is in the inbox.");
    const calls = page.locator("#calls summary", { hasText: "send_otp" });
    expect(await calls.allTextContents()).toEqual([
      "2026-12-01/send_otp 200",
      "2026-12-01/send_otp 400 captcha_required",
    ]);
  });
});
