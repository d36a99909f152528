import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasBrowser, launchBrowser } from "#tests/support/browser.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { MAC, REDIRECT } from "#tests/support/nest.ts";

/** Makes `nest` in a page of the stack, over localStorage, from the file that the stack serves. */
const OPEN = `(async () => {
  const { NestClient, webStore, isClientError } = await import("/client.js");
  window.nest = new NestClient({
    url: location.origin, clientId: "${MAC}", redirectUri: "${REDIRECT}", store: webStore(localStorage),
  });
  window.kindOf = (work) => work.then(() => "answered", (error) => isClientError(error) ? error.kind : String(error));
  window.newestLink = async () => (await (await fetch("/dev/inbox")).json()).at(-1).text.match(/https:\\S+/)[0];
})()`;

describe.skipIf(!hasBrowser)("the typed client in a browser", () => {
  let browser: Browser;
  let stack: TestStack;
  let context: BrowserContext;
  let refreshes = 0;
  beforeAll(async () => {
    stack = await startTestStack();
    browser = await launchBrowser();
    context = await browser.newContext();
    context.on("request", (request) => {
      if (request.url().endsWith("/authenticate_user")) refreshes++;
    });
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.[Symbol.asyncDispose]();
  });

  const openTab = async (): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(`${stack.api.url}/docs`);
    await page.evaluate(OPEN);
    return page;
  };
  const many = "Promise.all(Array.from({ length: 20 }, () => nest.call('get_user').then(({ id }) => id)))";

  test("signs in, is one person in every tab, stays signed in while all of them refresh, and signs out everywhere", async () => {
    const [one, other] = [await openTab(), await openTab()];
    await one.evaluate("nest.sendMagicLink('tabs@example.com')");
    // The link is followed in the other tab: what was asked in one is known in both.
    const who = (await other.evaluate("newestLink().then((link) => nest.finishSignIn(link))")) as {
      userId: string;
    };
    const tokensIn = (page: Page) => page.evaluate("localStorage.getItem('nest.tokens')");
    for (let round = 1; round <= 3; round++) {
      // Storage goes from tab to tab in a moment, and before it has, an hour must not have passed.
      await expect.poll(async () => (await tokensIn(other)) === (await tokensIn(one))).toBe(true);
      stack.pass(3601);
      refreshes = 0;
      const seen = await Promise.all([one.evaluate(many), other.evaluate(many)]);
      expect(new Set(seen.flat() as string[])).toEqual(new Set([who.userId]));
      // A lock goes from tab to tab faster than localStorage, so each tab may refresh, but no call of it again.
      expect(refreshes >= 1 && refreshes <= 2, `round ${round}`).toBe(true);
    }
    await one.evaluate("nest.signOut()");
    expect(await other.evaluate("kindOf(nest.call('get_user'))")).toBe("signed_out");
    expect(await other.evaluate("Object.keys(localStorage)")).toEqual([]);
  });

  test("loses an answer, and is still signed in", async () => {
    const page = await openTab();
    await page.evaluate("nest.sendMagicLink('lost.tab@example.com')");
    await page.evaluate("newestLink().then((link) => nest.finishSignIn(link))");
    stack.pass(3601);
    await page.route(
      "**/authenticate_user",
      async (route) => {
        await route.fetch();
        await route.abort();
      },
      { times: 1 },
    );
    expect(await page.evaluate("kindOf(nest.call('get_user'))")).toBe("network");
    expect(await page.evaluate("kindOf(nest.call('get_user'))")).toBe("answered");
    expect(await page.evaluate("nest.signedIn()")).toMatchObject({ clientId: MAC });
  });
});
