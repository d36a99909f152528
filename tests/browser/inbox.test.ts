import type { Page } from "playwright-core";
import { beforeEach, describe, expect, test } from "vitest";
import { browserSuite, hasBrowser, inspect } from "#tests/support/browser.ts";
import { codeRequest, PHONE } from "#tests/support/codes.ts";
import { MAC, WINDOWS } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

const DATE =
  /^\d{1,2} (January|February|March|April|May|June|July|August|September|October|November|December) \d{4} at \d\d:\d\d UTC$/;

describe.skipIf(!hasBrowser)("emails, clients and links of the local page", () => {
  const suite = browserSuite();
  beforeEach(() => suite.stack.ses.clear());

  const requestLink = async (page: Page, address: string) => {
    await page.fill("#address", address);
    await page.getByRole("button", { name: "Send magic link" }).click();
    await page.getByText("The magic link is in the inbox.").waitFor();
  };

  test("signs in with the button of the email itself, without leaving the page", async () => {
    const page = await suite.open();
    await page.evaluate("window.isSamePage = true");
    await requestLink(page, "will@example.com");
    await page.getByText("Show email").first().click();
    const email = page.frameLocator("#inbox iframe");
    await email.getByRole("link", { name: "Sign in to Beak" }).first().click();
    await page.getByText("You are signed in.").waitFor();
    expect(await page.evaluate("window.isSamePage")).toBe(true);
    expect(new URL(page.url()).hash).toBe("");
  });

  test("opens the other links of an email in a new tab, and runs no script of it", async () => {
    const page = await suite.open("/", {
      prepare: (page) =>
        page.route("**/dev/inbox", (route) =>
          route.fulfill({
            json: [
              {
                to: "xan@example.com",
                from: "a@example.com",
                reply_to: null,
                subject: "Links",
                text: "No link",
                html: '<script>top.document.title = "changed"</script><a href="/docs">Other</a>',
                sent_at: "2026-01-02T03:04:05.000Z",
              },
            ],
          }),
        ),
    });
    await page.getByText("Show email").click();
    expect(await page.getByText("Use link in this page").count()).toBe(0);
    const link = page.frameLocator("#inbox iframe").getByRole("link", { name: "Other" });
    expect(await link.getAttribute("target")).toBe("_blank");
    expect(await link.getAttribute("rel")).toBe("noopener");
    expect(await page.title()).not.toBe("changed");
    expect(await page.locator("#inbox time").textContent()).toBe("2 January 2026 at 03:04 UTC");
  });

  test("opens a link that the developer's own page requested in that page", async () => {
    const url = "http://localhost:5173/signed-in?code=authzcode_1.2&state=own";
    const page = await suite.open("/", {
      prepare: (page) =>
        page.route("**/dev/inbox", (route) =>
          route.fulfill({
            json: [
              {
                to: "xan@example.com",
                from: "a@example.com",
                reply_to: null,
                subject: "Sign in",
                text: `Use this link:\n\n${url}\n`,
                html: `<a href="${url.replaceAll("&", "&amp;")}">Button</a>`,
                sent_at: "2026-01-02T03:04:05.000Z",
              },
            ],
          }),
        ),
    });
    await page.getByText("Show email").click();
    const button = page.frameLocator("#inbox iframe").getByRole("link", { name: "Button" });
    for (const link of [page.getByRole("link", { name: "Open link in your page" }), button]) {
      expect(await link.getAttribute("href")).toBe(url);
      expect(await link.getAttribute("target")).toBe("_blank");
    }
    // Neither this page nor the landing page of an installed app can redeem it.
    expect(await page.getByText("Use link in this page").count()).toBe(0);
    expect(await page.getByText("Open landing page").count()).toBe(0);
  });

  test("shows an SMS, announces it, and clears the SMS", async () => {
    const send = (identifier_value: string) =>
      suite.stack.ask("POST", `${V3}send_otp`, codeRequest({ identifier_value }));
    // An SMS that was there before the page is not announced.
    await send("+6598765432");
    const page = await suite.open();
    await page.locator("#sms strong", { hasText: "+6598765432" }).waitFor();
    await send(PHONE);
    await page.locator("#sms strong", { hasText: PHONE }).waitFor();
    await page.locator("#sms pre", { hasText: "is your Beak code." }).first().waitFor();
    await page.locator("#arrivals", { hasText: `New SMS to ${PHONE}.` }).waitFor({ state: "attached" });
    for (const [width, scheme] of [
      [1280, "light"],
      [390, "dark"],
    ] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: scheme });
      await inspect(page, `sms-${width}-${scheme}`);
    }
    await page.getByRole("button", { name: "Clear SMS" }).click();
    await page.locator("#clear-sms").waitFor({ state: "hidden" });
    expect(await page.locator("#sms li").count()).toBe(0);
    expect(suite.stack.sns.inbox).toEqual([]);
  });

  test("signs in with two clients of the app at once, each with its own session", async () => {
    const page = await suite.open();
    await requestLink(page, "yves@example.com");
    await page.getByText("Use link in this page").first().click();
    await page.getByText("You are signed in.").waitFor();
    await page.selectOption("#client", WINDOWS);
    await page.getByText("This page now uses the client Beak for Windows.").waitFor();
    expect(await page.locator("#signed-out").isVisible()).toBe(true);
    await requestLink(page, "yves@example.com");
    // The link belongs to the client that requested it, whichever client is chosen when it is opened.
    await page.selectOption("#client", MAC);
    await page.getByText("This page now uses the client Beak for macOS.").waitFor();
    await page.getByText("Use link in this page").first().click();
    await page.getByText("You are signed in.").waitFor();
    expect(await page.inputValue("#client")).toBe(WINDOWS);
    await page.locator("#sessions li").nth(1).waitFor();
    await page.getByRole("button", { name: /^Revoke the session/ }).click();
    await page.getByText("Session revoked.").waitFor();
    await page.selectOption("#client", MAC);
    await page.getByText("You are signed out.").waitFor();
    await page.reload();
    await page.locator("#main").waitFor();
    expect(await page.inputValue("#client")).toBe(MAC);
  });

  test("writes every date in one format", async () => {
    const page = await suite.open();
    await requestLink(page, "zoe@example.com");
    await page.getByText("Use link in this page").first().click();
    await page.getByText("You are signed in.").waitFor();
    const dates = [
      await page.locator("#addresses time").textContent(),
      await page.locator("#sessions time").textContent(),
      (await page.locator("#expiry").textContent())?.match(/on (.*)\.$/)?.[1],
      await page.locator("#inbox time").first().textContent(),
      await page.locator("#stripe-now").textContent(),
      await page.locator("#timeline-text time").first().textContent(),
    ];
    for (const date of dates) expect(date).toMatch(DATE);
  });

  test("links to the reference and the documentation, under one logo", async () => {
    const page = await suite.open();
    const logo = await (await fetch(`${suite.stack.api.url}/assets/logo.svg`)).text();
    expect(logo).toContain("<svg");
    expect(await page.locator("header img").getAttribute("src")).toBe("/assets/logo.svg");
    await page.getByRole("link", { name: "API reference" }).click();
    await page.waitForURL(/\/docs$/);
    expect(await page.locator("link[rel=icon]").getAttribute("href")).toBe("/assets/logo.svg");
    await page.getByRole("link", { name: "Documentation" }).click();
    await page.waitForURL(/\/guide\/docs\/README\.md$/);
    expect(await page.locator("link[rel=icon]").getAttribute("href")).toBe("/assets/logo.svg");
    await page.getByRole("link", { name: "The local stack" }).first().click();
    await page.getByRole("heading", { name: "Routes for scripts" }).waitFor();
    await inspect(page, "guide-1280-light");
    const outside = await suite.stack.ask("GET", "/guide/docs/..%2fpackage.json");
    expect(outside.status).toBe(404);
  });
});
