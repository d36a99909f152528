import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import type { App } from "#core/app/app.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { findBrowser } from "#tools/machine/browser.ts";

const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const found = await findBrowser();
if ("missing" in found) {
  if (process.env.CI) throw new Error(`The browser tests need a browser: ${found.missing}`);
  console.log(`The browser tests are skipped: ${found.missing}`);
}
export const hasBrowser = "path" in found;

const CHROMIUM_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: "path" in found ? found.path : "", args: CHROMIUM_ARGUMENTS });
}

/** Presses the button of a page that has exactly this name. */
export const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();

/** Resolves when the message bar of the local page has this text. */
export const says = (page: Page, text: string) => page.locator("#message", { hasText: text }).waitFor();

/** Calls of a page that wait until they are released. */
export interface HeldCalls {
  /** How many calls the page has made. */
  count(): number;
  release(): void;
}

/** Holds the calls that a page makes of a method, as a slow network does. */
export async function holdCalls(page: Page, method: string): Promise<HeldCalls> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  let count = 0;
  await page.route(`**/${method}`, async (route) => {
    count++;
    await released;
    await route.continue();
  });
  return { count: () => count, release };
}

/** A local stack and a browser that the tests of one `describe` share. */
export interface BrowserSuite {
  readonly stack: TestStack;
  /**
   * Opens a path of the stack in a new context, so that the page has no storage of earlier pages. The context is closed
   * after the test. The viewport is 1280 by 900 pixels unless `options` name another width. The local page, `/`, has drawn
   * its first data when this resolves.
   */
  open(path?: string, options?: OpenOptions): Promise<Page>;
}

export interface OpenOptions extends Omit<BrowserContextOptions, "viewport"> {
  /** In pixels. */
  width?: number;
  /** Does not wait until the local page has drawn its first data. */
  isLoading?: boolean;
  /** Called before the page loads, to observe or replace its requests. */
  prepare?: (page: Page) => unknown;
}

/**
 * Starts a local stack and a browser before the tests of the current `describe`, and stops both after them.
 * @param options.app replaces the app of this process
 * @param options.settings settings of the functions, such as limits
 * @param options.withClients changes the app once it has the sample clients
 */
export function browserSuite(
  options: { app?: App; settings?: Readonly<Record<string, string>>; withClients?: (app: App) => App } = {},
): BrowserSuite {
  let stack: TestStack;
  let browser: Browser;
  beforeAll(async () => {
    stack = await startTestStack(options);
    browser = await launchBrowser();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.[Symbol.asyncDispose]();
  });
  return {
    get stack() {
      return stack;
    },
    async open(path = "/", { width = 1280, isLoading = false, prepare, ...options } = {}) {
      const context = await browser.newContext({ viewport: { width, height: 900 }, ...options });
      const page = await context.newPage();
      await prepare?.(page);
      await page.goto(`${stack.api.url}${path}`);
      if (path === "/" && !isLoading) await page.locator("#main").waitFor();
      return page;
    },
  };
}

/** As `browserSuite`. Before each test, the double of Stripe and the inbox of its stack are emptied. */
export function emptiedBrowserSuite(options: { app?: App } = {}): BrowserSuite {
  const suite = browserSuite(options);
  beforeEach(async () => {
    await suite.stack.stripe.settled();
    suite.stack.stripe.reset();
    suite.stack.ses.clear();
  });
  return suite;
}

/**
 * Asserts that a page does not scroll sideways and that axe finds no serious or critical violation. If SCREENSHOT_DIR is
 * set, also saves a screenshot there as `<name>.png`.
 */
export async function inspect(page: Page, name: string): Promise<void> {
  const overflow = await page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
  expect(overflow, `${name}: pixels of horizontal overflow`).toBe(0);
  await page.evaluate(axeSource);
  const results = (await page.evaluate(
    "axe.run(document, { iframes: false, selectors: false, resultTypes: ['violations'] })",
  )) as AxeResults;
  const serious = results.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const found = serious.map(({ id, nodes }) => ({ id, html: nodes[0]?.html }));
  expect(found, `${name}: serious accessibility violations`).toEqual([]);
  const folder = process.env.SCREENSHOT_DIR;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  // In a window as high as the page, the bars at its edges cover nothing.
  const { width, height } = page.viewportSize() ?? { width: 1280, height: 900 };
  const whole = Number(await page.evaluate("document.documentElement.scrollHeight"));
  await page.setViewportSize({ width, height: whole });
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.setViewportSize({ width, height });
}

/** Presses Tab until the element with this id or text has the focus. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let press = 0; press < 60; press++) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(
      "document.activeElement.id || document.activeElement.textContent.trim()",
    );
    if (focused === name) return;
  }
  throw new Error(`60 presses of Tab did not reach ${name}`);
}
