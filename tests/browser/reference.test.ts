import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasBrowser, inspect, launchBrowser, tabTo } from "#tests/support/browser.ts";
import { openApiDocument } from "#tests/support/declared.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";

describe.skipIf(!hasBrowser)("the API reference in a browser", () => {
  let browser: Browser;
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startTestStack();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.[Symbol.asyncDispose]();
  });

  const open = async (options: object = {}, hash = ""): Promise<[Page, BrowserContext]> => {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(`${stack.api.url}/docs${hash}`);
    await page.locator("#overview").waitFor();
    return [page, context];
  };

  test("openapi.json is the committed document, with this server as its own", async () => {
    const served = (await (await fetch(`${stack.api.url}/openapi.json`)).json()) as typeof openApiDocument;
    expect(served.servers.map(({ url }) => url)).toEqual([stack.api.url]);
    expect({ ...served, servers: [] }).toEqual(
      JSON.parse(JSON.stringify({ ...openApiDocument, servers: [] })),
    );
  });

  test("shows every path, every field and every error, and asks nobody else", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const asked = new Set<string>();
    const failures: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith("data:")) asked.add(new URL(request.url()).origin);
    });
    page.on("console", (message) => message.type() === "error" && failures.push(message.text()));
    page.on("pageerror", (error) => failures.push(error.message));
    await page.goto(`${stack.api.url}/docs`);
    await page.locator("#overview").waitFor();
    const text = (await page.locator("main").textContent()) ?? "";
    for (const [path, item] of Object.entries(openApiDocument.paths))
      for (const verb of Object.keys(item)) expect(text).toContain(`${verb.toUpperCase()} ${path}`);
    for (const code of Object.keys(openApiDocument.components.examples)) {
      expect(await page.locator(`#error-${code}`).count(), code).toBe(1);
    }
    for (const schema of Object.values(openApiDocument.components.schemas))
      for (const name of Object.keys(schema.properties ?? {})) expect(text).toContain(name);
    expect([[...asked], failures]).toEqual([[stack.api.url], []]);
    const links = await page.evaluate(
      "[...document.querySelectorAll('a[href^=\"#\"]')].map((a) => a.hash.slice(1)).filter((id) => !document.getElementById(id))",
    );
    expect(links).toEqual([]);
    await context.close();
  });

  test("the keyboard finds a method, goes there, and copies a call that works as it is", async () => {
    const [page, context] = await open({ permissions: ["clipboard-read", "clipboard-write"] });
    await tabTo(page, "filter");
    await page.keyboard.type("news");
    await page.getByText(/^\d+ of \d+$/).waitFor();
    expect(await page.locator("#list_sessions-2021-10-06").isVisible()).toBe(false);
    await tabTo(page, "list_news_items");
    await page.keyboard.press("Enter");
    await page.locator("#list_news_items-2020-12-14").waitFor();
    expect(await page.evaluate("document.activeElement.id")).toBe("list_news_items-2020-12-14");
    await tabTo(page, "Copy");
    await page.keyboard.press("Enter");
    await page.getByText("Copied.").first().waitFor();
    const copied = (await page.evaluate("navigator.clipboard.readText()")) as string;
    const [, url = "", body = ""] = /^curl (\S+) \\\n {2}-d '([\s\S]*)'$/.exec(copied) ?? [];
    const answer = await fetch(url, { method: "POST", body });
    expect([answer.status, await answer.json()]).toEqual([200, []]);
    await context.close();
  });

  test("a link to a method or an error leads there", async () => {
    const [page, context] = await open({}, "#error-rate_limited");
    expect(await page.evaluate("document.activeElement.id")).toBe("error-rate_limited");
    await context.close();
  });

  test.each([
    [390, "light"],
    [1280, "dark"],
  ] as const)("fits %i px in %s and is accessible", async (width, colorScheme) => {
    const [page, context] = await open({ viewport: { width, height: 900 }, colorScheme });
    await inspect(page, `reference-${width}-${colorScheme}`);
    await page.fill("#filter", "authenticate");
    await inspect(page, `reference-filtered-${width}-${colorScheme}`);
    await context.close();
  });
});
