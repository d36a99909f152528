import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { beforeAll, describe, expect, test } from "vitest";
import { memoryStore, NestClient } from "#client/index.ts";
import { useCall, useSession } from "#client/react.ts";
import { browserSuite, hasBrowser } from "#tests/support/browser.ts";
import { MAC, REDIRECT } from "#tests/support/nest.ts";

const PATH = "/react.html";

describe.skipIf(!hasBrowser)("the React hooks in a browser", () => {
  const suite = browserSuite();
  let script: string;
  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL("./react_page.ts", import.meta.url))],
      bundle: true,
      write: false,
      format: "esm",
      define: { "process.env.NODE_ENV": '"development"' },
    });
    script = outputFiles[0]?.text ?? "";
  });

  const serve = async (page: Page, isStoreLocked = false) => {
    const settings = { clientId: MAC, redirectUri: REDIRECT, isStoreLocked };
    const body = `<!doctype html><div id="root"></div><script>settings = ${JSON.stringify(settings)}</script>
      <script type="module">${script.replaceAll("</script", "<\\/script")}</script>`;
    await page.route(`**${PATH}`, (route) => route.fulfill({ contentType: "text/html", body }));
  };
  const openPage = (isStoreLocked = false) =>
    suite.open(PATH, { prepare: (page) => serve(page, isStoreLocked) });
  const textOf = (page: Page, id: string) => page.locator(`#${id}`).first().textContent();
  const see = (page: Page, id: string, text: string | RegExp) =>
    expect.poll(() => textOf(page, id), { message: `#${id}` }).toMatch(text);
  const signIn = async (page: Page, address: string) => {
    await page.evaluate(`nest.sendMagicLink("${address}")`);
    const mail = suite.stack.ses.inbox.findLast(({ text }) => text.includes(`${REDIRECT}?code=`));
    const [link = ""] = /https:\S+/.exec(mail?.text ?? "") ?? [];
    return (await page.evaluate(`nest.finishSignIn(${JSON.stringify(link)})`)) as { userId: string };
  };
  const countCalls = (page: Page, method: string) => {
    let count = 0;
    page.on("request", (request) => {
      if (request.url().endsWith(`/${method}`)) count++;
    });
    return () => count;
  };

  test("show the sign-in, the user's data, and the sign-out in another tab", async () => {
    const page = await openPage();
    const mistakes: string[] = [];
    page.on("console", (message) => void (message.type() === "error" && mistakes.push(message.text())));
    page.on("pageerror", (error) => void mistakes.push(error.message));
    await see(page, "session", /^signed_out$/);
    await see(page, "error", "You are signed out. Sign in again.");
    const calls = countCalls(page, "get_user");
    const { userId } = await signIn(page, "react@example.com");
    await see(page, "session", `signed_in ${userId}`);
    await see(page, "user", /^react@example\.com$/);
    await see(page, "error", /^$/);
    await expect.poll(calls).toBe(1);

    const tab = await page.context().newPage();
    await serve(tab);
    await tab.goto(page.url());
    await see(tab, "session", `signed_in ${userId}`);
    await tab.evaluate("nest.signOut()");
    await see(page, "session", /^signed_out$/);
    await see(page, "user", /^nobody$/);
    expect(mistakes).toEqual([]);
  });

  test("keep the data while they are loaded again, and show an error as a sentence", async () => {
    const page = await openPage();
    await signIn(page, "reload@example.com");
    await see(page, "user", /^reload@example\.com$/);
    const held = Promise.withResolvers<void>();
    await page.route("**/get_user", (route) => held.promise.then(() => route.abort()), { times: 1 });
    await page.click("#reload");
    await see(page, "user", "reload@example.com, loading");
    held.resolve();
    await see(page, "error", "There is no connection to the server.");
    await page.click("#reload");
    await see(page, "user", /^reload@example\.com$/);
    await see(page, "error", /^$/);
  });

  test("ignore the response to the call of the previous user", async () => {
    const page = await openPage();
    await signIn(page, "first.user@example.com");
    await see(page, "user", /^first\.user@example\.com$/);
    const held = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    await page.route(
      "**/get_user",
      async (route) => {
        const response = await route.fetch();
        await held.promise;
        // The call may be aborted by now.
        await route.fulfill({ response }).catch(() => undefined);
        answered.resolve();
      },
      { times: 1 },
    );
    await page.click("#reload");
    await see(page, "user", "loading");
    await signIn(page, "second.user@example.com");
    await see(page, "user", /^second\.user@example\.com$/);
    held.resolve();
    await answered.promise;
    expect(await textOf(page, "user")).toBe("second.user@example.com");
  });

  test("call again when the request changes, and not when a component renders again", async () => {
    const page = await openPage();
    await see(page, "news", /^\d+ items$/);
    const calls = countCalls(page, "list_news_items");
    await page.click("#other");
    await expect.poll(calls).toBe(1);
    await see(page, "news", /^\d+ items$/);
    await page.click("#other");
    await see(page, "news", /^\d+ items$/);
    expect(calls()).toBe(1);
  });

  test("report a store that can't be read, and stop listening when they are unmounted", async () => {
    const page = await openPage(true);
    await see(page, "session", /^failed$/);
    await see(page, "error", "Something went wrong.");
    const other = await openPage();
    await see(other, "session", /^signed_out$/);
    const removed = await other.evaluate(`(() => {
      const removed = [];
      const remove = window.removeEventListener;
      window.removeEventListener = (type, ...rest) => { removed.push(type); remove.call(window, type, ...rest); };
      unmount();
      return removed.filter((type) => type === "storage");
    })()`);
    expect(removed).toEqual(["storage"]);
  });

  test("are not broken by a listener of the app that throws", async () => {
    const page = await openPage();
    await see(page, "session", /^signed_out$/);
    const errors: string[] = [];
    page.on("pageerror", (error) => void errors.push(error.message));
    await page.evaluate("void nest.onSessionChange(() => { throw new Error('a mistake of the app'); })");
    const { userId } = await signIn(page, "throwing@example.com");
    await see(page, "session", `signed_in ${userId}`);
    await expect.poll(() => errors).toEqual(["a mistake of the app", "a mistake of the app"]);
  });
});

test("the React hooks render on a server without a call", () => {
  const calls: unknown[] = [];
  const nest = new NestClient({
    ...{ url: "http://nest.test", clientId: MAC, redirectUri: REDIRECT, store: memoryStore() },
    fetch: async (...call) => {
      calls.push(call);
      throw new TypeError("no network");
    },
  });
  const Account = () => {
    const { status } = useSession(nest);
    const { data, isLoading } = useCall(nest, "list_news_items");
    return createElement("p", null, `${status} ${data} ${isLoading}`);
  };
  expect(renderToString(createElement(Account))).toBe("<p>loading undefined true</p>");
  expect(calls).toEqual([]);
});
