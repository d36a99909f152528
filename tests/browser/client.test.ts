import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { browserSuite, hasBrowser } from "#tests/support/browser.ts";
import { MAC, REDIRECT } from "#tests/support/nest.ts";
import { documentedPage } from "#tests/support/page_server.ts";

/**
 * Opens the client that the stack serves, as `nest` in a page, with its tokens in localStorage. Its timeout is long enough
 * for a busy machine.
 */
const OPEN_CLIENT = `(async () => {
  const { NestClient, webStore, isClientError } = await import("/client.js");
  window.nest = new NestClient({
    url: location.origin, clientId: "${MAC}", redirectUri: "${REDIRECT}", store: webStore(localStorage),
    timeoutMs: 30_000,
  });
  window.outcomeOf = (work) => work.then(() => "answered", (error) => isClientError(error) ? error.kind : String(error));
  window.newestLink = async () => (await (await fetch("/dev/inbox")).json()).at(-1).text.match(/https:\\S+/)[0];
})()`;
/** A path of the stack that serves no script, since a script could write to localStorage. */
const PLAIN_PAGE = "/openapi.json";

describe.skipIf(!hasBrowser)("the typed client in a browser", () => {
  const suite = browserSuite();

  const openClient = async (): Promise<Page> => {
    const page = await suite.open(PLAIN_PAGE);
    await page.evaluate(OPEN_CLIENT);
    return page;
  };
  /** Opens the client in a second tab, which shares the first one's localStorage. */
  const openTab = async (first: Page): Promise<Page> => {
    const page = await first.context().newPage();
    await page.goto(first.url());
    await page.evaluate(OPEN_CLIENT);
    return page;
  };
  const twentyCalls =
    "Promise.all(Array.from({ length: 20 }, () => nest.call('get_user').then(({ id }) => id)))";

  test("shares one session between tabs: sign-in, simultaneous refreshes and sign-out", async () => {
    const one = await openClient();
    const other = await openTab(one);
    let refreshes = 0;
    one.context().on("request", (request) => {
      if (request.url().endsWith("/authenticate_user")) refreshes++;
    });
    await one.evaluate("nest.sendMagicLink('tabs@example.com')");
    // The second tab redeems the link: both tabs share the pending sign-in.
    const { userId } = (await other.evaluate("newestLink().then((link) => nest.finishSignIn(link))")) as {
      userId: string;
    };
    const tokensIn = (page: Page) => page.evaluate("localStorage.getItem('nest.tokens')");
    for (let round = 1; round <= 3; round++) {
      // localStorage reaches the other tab with a delay. The clock may only advance after that.
      await expect.poll(async () => (await tokensIn(other)) === (await tokensIn(one))).toBe(true);
      suite.stack.pass(3601);
      refreshes = 0;
      const userIds = await Promise.all([one.evaluate(twentyCalls), other.evaluate(twentyCalls)]);
      expect(new Set(userIds.flat() as string[])).toEqual(new Set([userId]));
      // A lock reaches the other tab before localStorage does, so each tab may refresh once, but not once per call.
      expect(refreshes, `refreshes in round ${round}`).toBeGreaterThanOrEqual(1);
      expect(refreshes, `refreshes in round ${round}`).toBeLessThanOrEqual(2);
    }
    await one.evaluate("nest.signOut()");
    expect(await other.evaluate("outcomeOf(nest.call('get_user'))")).toBe("signed_out");
    expect(await other.evaluate("Object.keys(localStorage)")).toEqual([]);
  });

  test("loads by its package names with the import map of the README", async () => {
    const map = await documentedPage("packages/client/README.md");
    expect(map).toContain("importmap");
    const page = await suite.open(PLAIN_PAGE);
    await page.setContent(`${map}<script type="module">
      import { NestClient } from "@getbeak/nest-client";
      import { usePasskey } from "@getbeak/nest-client/passkeys";
      import { messageOf } from "@getbeak/nest-client/messages";
      document.title = [NestClient, usePasskey, messageOf].map(({ name }) => name).join(" ");
    </script>`);
    await expect.poll(() => page.title()).toBe("NestClient usePasskey messageOf");
  });

  test("works with the browser's own fetch as an option", async () => {
    const page = await openClient();
    await page.evaluate(`import("/client.js").then(({ NestClient }) => {
      window.bound = new NestClient({
        url: location.origin, clientId: "${MAC}", redirectUri: "${REDIRECT}", fetch: window.fetch,
        timeoutMs: 30_000,
      });
    })`);
    expect(await page.evaluate("outcomeOf(bound.call('list_news_items'))")).toBe("answered");
    await page.evaluate("bound.sendMagicLink('own.fetch@example.com')");
    await page.evaluate("newestLink().then((link) => bound.finishSignIn(link))");
    expect(await page.evaluate("outcomeOf(bound.call('get_user'))")).toBe("answered");
  });

  test("works without the lock when another tab holds it and hangs", async () => {
    const one = await openClient();
    const other = await openTab(one);
    await other.evaluate(
      "new Promise((held) => void navigator.locks.request('nest.lock', () => new Promise(held)))",
    );
    await one.evaluate(`import("/client.js").then(({ NestClient, webStore }) => {
      window.waiting = new NestClient({
        url: location.origin, clientId: "${MAC}", redirectUri: "${REDIRECT}", store: webStore(localStorage),
        // Only the wait for the lock may time out, however slow the machine is.
        timeoutMs: 500, fetch: (input, { signal, ...init }) => fetch(input, init),
      });
    })`);
    await one.evaluate("waiting.sendMagicLink('held.lock@example.com')");
    await one.evaluate("newestLink().then((link) => waiting.finishSignIn(link))");
    suite.stack.pass(3601);
    expect(await one.evaluate("outcomeOf(waiting.call('get_user'))")).toBe("answered");
    expect(await one.evaluate("outcomeOf(waiting.signOut())")).toBe("answered");
    expect(await one.evaluate("Object.keys(localStorage)")).toEqual([]);
  });

  test("redeems a link once when two tabs get it at once", async () => {
    const one = await openClient();
    const other = await openTab(one);
    await one.evaluate("nest.sendMagicLink('two.tabs@example.com')");
    // localStorage reaches the other tab with a delay.
    await expect.poll(() => other.evaluate("localStorage.getItem('nest.links') !== null")).toBe(true);
    const redeem = "newestLink().then((link) => nest.finishSignIn(link)).then(({ userId }) => userId)";
    const [first, second] = await Promise.all([one.evaluate(redeem), other.evaluate(redeem)]);
    expect(second).toBe(first);
    const sessions = (await one.evaluate(
      "nest.call('list_sessions').then(({ items }) => items)",
    )) as unknown[];
    expect(sessions).toHaveLength(1);
  });

  test("keeps the session, and does not send the code, when localStorage is full", async () => {
    const page = await openClient();
    await page.evaluate("nest.sendMagicLink('full.storage@example.com')");
    await page.evaluate(`for (let size = 2 ** 22; size >= 1; size /= 2)
      try {
        for (;;) localStorage.setItem("fill" + localStorage.length, "x".repeat(size));
      } catch {}`);
    let exchanges = 0;
    page.on("request", (request) => {
      if (request.url().endsWith("/authenticate_user")) exchanges++;
    });
    const redeem = "outcomeOf(newestLink().then((link) => nest.finishSignIn(link)))";
    expect(await page.evaluate(redeem)).toContain("QuotaExceededError");
    expect(exchanges).toBe(0);
    await page.evaluate(
      "Object.keys(localStorage).filter((name) => name.startsWith('fill')).forEach((name) => localStorage.removeItem(name))",
    );
    expect(await page.evaluate(redeem)).toBe("answered");
  });

  test("stays signed in after the response to a refresh is lost", async () => {
    const page = await openClient();
    await page.evaluate("nest.sendMagicLink('lost.tab@example.com')");
    await page.evaluate("newestLink().then((link) => nest.finishSignIn(link))");
    suite.stack.pass(3601);
    await page.route(
      "**/authenticate_user",
      async (route) => {
        await route.fetch();
        await route.abort();
      },
      { times: 1 },
    );
    expect(await page.evaluate("outcomeOf(nest.call('get_user'))")).toBe("network");
    expect(await page.evaluate("outcomeOf(nest.call('get_user'))")).toBe("answered");
    expect(await page.evaluate("nest.signedIn()")).toMatchObject({ clientId: MAC });
  });
});
