import { describe, expect, test } from "vitest";
import { browserSuite, hasBrowser, inspect, says, tabTo } from "#tests/support/browser.ts";
import { MAC, type Tokens } from "#tests/support/nest.ts";

describe.skipIf(!hasBrowser)("the local page in a browser", () => {
  const suite = browserSuite();

  test("signs in, shows the account, refreshes and signs out by keyboard alone", async () => {
    const page = await suite.open();
    await tabTo(page, "address");
    await page.keyboard.type("ada@example.com");
    await page.keyboard.press("Enter");
    await page.getByText("The magic link is in the inbox.").waitFor();
    await tabTo(page, "Use link in this page");
    await page.keyboard.press("Enter");
    await page.getByText("You are signed in.").waitFor();
    await page.locator("#user").getByText("ada@example.com", { exact: true }).waitFor();
    expect(await page.locator("#sessions").textContent()).toContain("This session");
    expect(await page.locator("#consent").textContent()).toBe("No choice yet.");
    expect(await page.locator("#claims").textContent()).toContain('"at+jwt"');
    await tabTo(page, "Allow");
    await page.keyboard.press("Enter");
    await says(page, "Choice saved.");
    expect(await page.locator("#consent").textContent()).toBe("You allowed marketing emails.");
    await tabTo(page, "refresh");
    await page.keyboard.press("Enter");
    await page.getByText("Tokens refreshed.").waitFor();
    await page.reload();
    await page.locator("#main").waitFor();
    await page.locator("#user").getByText("ada@example.com", { exact: true }).waitFor();
    await tabTo(page, "sign-out");
    await page.keyboard.press("Enter");
    await page.getByText("You are signed out.").waitFor();
    expect(await page.locator("#signed-out").isVisible()).toBe(true);
  });

  test("refreshes an expired access token and completes the call; only a refused refresh signs out", async () => {
    const page = await suite.open();
    const stored = () =>
      page.evaluate(`JSON.parse(localStorage.getItem("${MAC}.tokens"))`) as Promise<Tokens | null>;
    await page.fill("#address", "late@example.com");
    await page.click("text=Send magic link");
    await page.getByText("The magic link is in the inbox.").waitFor();
    await page.getByText("Use link in this page").first().click();
    await page.getByText("You are signed in.").waitFor();
    const first = await stored();

    suite.stack.pass(3601);
    await page.click("[data-level=general]");
    await says(page, "Choice saved.");
    expect(await page.locator("#consent").textContent()).toBe("You allowed marketing emails.");
    const second = await stored();
    expect(second?.access_token).not.toBe(first?.access_token);

    suite.stack.pass(3601);
    const refresh = "**/authenticate_user";
    await page.route(refresh, (route) => route.abort());
    await page.click("[data-level=none]");
    await page.locator("#message.bad").waitFor();
    expect(await stored()).toEqual(second);
    expect(await page.locator("#signed-in").isVisible()).toBe(true);
    await page.unroute(refresh);
    await page.click("[data-level=none]");
    await says(page, "Choice saved.");
    expect(await page.locator("#consent").textContent()).toBe("You declined marketing emails.");

    const { client_id, refresh_token } = (await stored()) as Tokens;
    const revoked = await page.request.post(`${suite.stack.api.url}/1/2021-10-06/revoke_token`, {
      data: { client_id, refresh_token },
    });
    expect(revoked.status()).toBe(204);
    await page.click("[data-level=general]");
    await page.getByText("You are signed out.").waitFor();
    expect(await stored()).toBeNull();
    expect(await page.locator("#signed-out").isVisible()).toBe(true);
  });

  test.each([
    [390, "light"],
    [390, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)(
    "fits %i px in %s and is accessible when signed out, with mail and signed in",
    async (width, scheme) => {
      const page = await suite.open("/", { width, colorScheme: scheme });
      const name = (state: string) => `${state}-${width}-${scheme}`;
      await inspect(page, name("signed-out"));
      await page.fill("#address", `${scheme}.${width}@example.com`);
      await page.click("text=Send magic link");
      await page.getByText("The magic link is in the inbox.").waitFor();
      await page.locator("summary", { hasText: "Show email" }).first().click();
      await page.locator("iframe").waitFor();
      await inspect(page, name("inbox"));
      await page.getByText("Use link in this page").first().click();
      await page.getByText("You are signed in.").waitFor();
      await page.locator("#user dd").first().waitFor();
      await inspect(page, name("signed-in"));
    },
  );

  test("the landing page sends no request, does not redeem the code, and passes code, state and flow on unchanged", async () => {
    const page = await suite.open("/", { width: 390 });
    await page.fill("#address", "landing@example.com");
    await page.click("text=Send magic link");
    await page.getByText("The magic link is in the inbox.").waitFor();
    const link = page.getByText("Open landing page").first();
    const href = `${suite.stack.api.url}${await link.getAttribute("href")}`;
    const requested: string[] = [];
    const landing = await page.context().newPage();
    landing.on("request", (request) => requested.push(new URL(request.url()).pathname));
    for (let visit = 0; visit < 3; visit++) await landing.goto(href, { waitUntil: "domcontentloaded" });
    expect([...new Set(requested)].filter((path) => !path.startsWith("/magic-link") && path !== ",")).toEqual(
      [],
    );
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
      `${suite.stack.api.url}/magic-link?code=a.b&state=${encodeURIComponent("lx/rA+q=&%")}&flow=trial`,
      { waitUntil: "domcontentloaded" },
    );
    const odd = new URLSearchParams(await landing.inputValue("#text"));
    expect(Object.fromEntries(odd)).toEqual({ code: "a.b", state: "lx/rA+q=&%", flow: "trial" });
    await landing.goto(`${suite.stack.api.url}/magic-link?code=a.b`, { waitUntil: "domcontentloaded" });
    expect(await landing.locator("#incomplete").isVisible()).toBe(true);
  });
});
