import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { expect } from "vitest";
import { findBrowser } from "#tools/machine/browser.ts";

const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const found = await findBrowser();
if ("missing" in found) {
  if (process.env.CI) throw new Error(`No browser for the page's tests: ${found.missing}`);
  console.log(`The page's tests are skipped: ${found.missing}`);
}
export const hasBrowser = "path" in found;

export type Scheme = "light" | "dark";

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: "path" in found ? found.path : "",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page with storage of its own, as a browser that was never here. */
export async function openPage(
  browser: Browser,
  { width = 1280, colorScheme = "light" as Scheme } = {},
): Promise<[Page, BrowserContext]> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  return [await context.newPage(), context];
}

/**
 * Holds a page to what every state of it promises: nothing sticks out at the sides, and axe finds nothing serious.
 * With SCREENSHOT_DIR it is also drawn, for a person to look at.
 */
export async function inspect(page: Page, name: string): Promise<void> {
  const overflow = await page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
  expect(overflow, name).toBe(0);
  await page.evaluate(axeSource);
  const results = (await page.evaluate("axe.run(document, { iframes: false })")) as AxeResults;
  const serious = results.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(serious.map(({ id, nodes }) => [name, id, nodes[0]?.html])).toEqual([]);
  const folder = process.env.SCREENSHOT_DIR;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

/** Presses Tab until what has this id or text has the focus. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let press = 0; press < 60; press++) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(
      "document.activeElement.id || document.activeElement.textContent.trim()",
    );
    if (focused === name) return;
  }
  throw new Error(`Tab never reached ${name}`);
}
