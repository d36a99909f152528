import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasBrowser, inspect, launchBrowser, openPage, tabTo } from "#tests/support/browser.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import type { Tokens } from "#tests/support/nest.ts";
import type { LocalApi } from "#tools/local/api_server.ts";

describe.skipIf(!hasBrowser)("the local page in a browser", () => {
  let browser: Browser;
  let stack: TestStack;
  let api: LocalApi;

  beforeAll(async () => {
    stack = await startTestStack();
    api = stack.api;
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.[Symbol.asyncDispose]();
  });

  test("the keyboard alone signs a person in, shows them everything, refreshes and signs out", async () => {
    const [page, context] = await openPage(browser);
    await page.goto(api.url);
    await tabTo(page, "address");
    await page.keyboard.type("ada@example.com");
    await page.keyboard.press("Enter");
    await page.getByText("The link is in the inbox.").waitFor();
    await tabTo(page, "Follow the link here");
    await page.keyboard.press("Enter");
    await page.getByText("You are signed in.").waitFor();
    await page.getByText("ada@example.com", { exact: true }).waitFor();
    expect(await page.locator("#sessions").textContent()).toContain("(this one)");
    expect(await page.locator("#consent").textContent()).toBe("You have not said yet.");
    expect(await page.locator("#claims").textContent()).toContain('"at+jwt"');
    await tabTo(page, "Yes, please");
    await page.keyboard.press("Enter");
    await page.getByText("You said yes.").waitFor();
    await tabTo(page, "refresh");
    await page.keyboard.press("Enter");
    await page.getByText("New tokens").waitFor();
    await page.reload();
    await page.getByText("ada@example.com", { exact: true }).waitFor();
    await tabTo(page, "sign-out");
    await page.keyboard.press("Enter");
    await page.getByText("You are signed out.").waitFor();
    expect(await page.locator("#signed-out").isVisible()).toBe(true);
    await context.close();
  });

  test("an access token that ended is refreshed and what was asked is done; only a refused refresh signs out", async () => {
    const [page, context] = await openPage(browser);
    const stored = () =>
      page.evaluate("JSON.parse(localStorage.getItem('tokens'))") as Promise<Tokens | null>;
    await page.goto(api.url);
    await page.fill("#address", "late@example.com");
    await page.click("text=Send me a link");
    await page.getByText("The link is in the inbox.").waitFor();
    await page.getByText("Follow the link here").first().click();
    await page.getByText("You are signed in.").waitFor();
    const first = await stored();

    stack.pass(3601);
    await page.click("text=Yes, please");
    await page.getByText("You said yes.").waitFor();
    expect(await page.locator("#message").textContent()).toBe("Noted.");
    const second = await stored();
    expect(second?.access_token).not.toBe(first?.access_token);

    stack.pass(3601);
    const refresh = "**/authenticate_user";
    await page.route(refresh, (route) => route.abort());
    await page.click("[data-level=none]");
    await page.locator("#message.bad").waitFor();
    expect(await stored()).toEqual(second);
    expect(await page.locator("#signed-in").isVisible()).toBe(true);
    await page.unroute(refresh);
    await page.click("[data-level=none]");
    await page.getByText("You said no.").waitFor();

    const { client_id, refresh_token } = (await stored()) as Tokens;
    const revoked = await page.request.post(`${api.url}/1/2021-10-06/revoke_token`, {
      data: { client_id, refresh_token },
    });
    expect(revoked.status()).toBe(204);
    await page.click("text=Yes, please");
    await page.getByText("You are signed out.").waitFor();
    expect(await stored()).toBeNull();
    expect(await page.locator("#signed-out").isVisible()).toBe(true);
    await context.close();
  });

  test.each([
    [390, "light"],
    [390, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)("fits %i px in %s and is accessible in every state", async (width, scheme) => {
    const [page, context] = await openPage(browser, { width, colorScheme: scheme });
    const name = (state: string) => `${state}-${width}-${scheme}`;
    await page.goto(api.url);
    await page.getByText("test 1").waitFor();
    await inspect(page, name("signed-out"));
    await page.fill("#address", `${scheme}.${width}@example.com`);
    await page.click("text=Send me a link");
    await page.getByText("The link is in the inbox.").waitFor();
    await page.locator("summary", { hasText: "Read the mail" }).first().click();
    await page.locator("iframe").waitFor();
    await inspect(page, name("inbox"));
    await page.getByText("Follow the link here").first().click();
    await page.getByText("You are signed in.").waitFor();
    await page.locator("#user dd").first().waitFor();
    await inspect(page, name("signed-in"));
    await context.close();
  });

  test("the landing page asks nobody anything, spends nothing, and hands code, state and flow over exactly", async () => {
    const [page, context] = await openPage(browser, { width: 390 });
    await page.goto(api.url);
    await page.fill("#address", "landing@example.com");
    await page.click("text=Send me a link");
    await page.getByText("The link is in the inbox.").waitFor();
    const link = page.getByText("Open its landing page").first();
    const href = `${api.url}${await link.getAttribute("href")}`;
    const asked: string[] = [];
    const landing = await context.newPage();
    landing.on("request", (request) => asked.push(new URL(request.url()).pathname));
    for (let visit = 0; visit < 3; visit++) await landing.goto(href, { waitUntil: "domcontentloaded" });
    expect([...new Set(asked)].filter((path) => !path.startsWith("/magic-link") && path !== ",")).toEqual([]);
    await inspect(landing, "landing-390-light");
    const sent = new URL(href).searchParams;
    const text = await landing.inputValue("#text");
    expect(new URLSearchParams(text).get("state")).toBe(sent.get("state"));
    expect(await landing.getAttribute("#open", "href")).toBe(`beak-app://nest/magic-link?${text}`);
    expect(await landing.getAttribute('meta[name="referrer"]', "content")).toBe("no-referrer");

    await page.locator("summary", { hasText: "Paste a code instead" }).click();
    await page.fill("#pasted", text);
    await page.locator("#paste-form button").click();
    await page.getByText("You are signed in.").waitFor();

    await landing.goto(
      `${api.url}/magic-link?code=a.b&state=${encodeURIComponent("lx/rA+q=&%")}&flow=trial`,
      { waitUntil: "domcontentloaded" },
    );
    const odd = new URLSearchParams(await landing.inputValue("#text"));
    expect([odd.get("code"), odd.get("state"), odd.get("flow")]).toEqual(["a.b", "lx/rA+q=&%", "trial"]);
    await landing.goto(`${api.url}/magic-link?code=a.b`, { waitUntil: "domcontentloaded" });
    expect(await landing.locator("#bad").isVisible()).toBe(true);
    await context.close();
  });
});
