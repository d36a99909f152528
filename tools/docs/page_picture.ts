/**
 * `node tools/docs/page_picture.ts`: takes the pictures of the local page that the README and the start page of the
 * documentation site show, in a throwaway stack.
 */
import { chromium, type Page } from "playwright-core";
import app from "#app";
import { startLocalStack } from "#tools/local/stack.ts";
import { findBrowser } from "#tools/machine/browser.ts";

const PICTURES = {
  light: "docs/pictures/local_page.jpg",
  dark: "docs/pictures/local_page_dark.jpg",
} as const;
const VIEWPORT = { width: 1280, height: 860 };

const found = await findBrowser();
if ("missing" in found) throw new Error(`The pictures need a browser: ${found.missing}`);
const quiet = () => undefined;
const stack = await startLocalStack({ port: 0, isThrowAway: true, say: quiet, write: quiet });
const browser = await chromium.launch({
  executablePath: found.path,
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const page = await browser.newPage({ viewport: VIEWPORT });
  await page.goto(stack.url);
  await buySubscription(page);
  for (const [colorScheme, path] of Object.entries(PICTURES)) {
    await page.emulateMedia({ colorScheme: colorScheme as keyof typeof PICTURES });
    await page.screenshot({ path, animations: "disabled", quality: 80 });
    console.log(`Wrote ${path}. Look at it, also for details that change with each run.`);
  }
} finally {
  await browser.close();
  await stack.close();
}

/** Starts a trial that becomes a paid subscription. */
async function buySubscription(page: Page): Promise<void> {
  const press = (name: string) => page.getByRole("button", { name, exact: true }).click();
  await page.fill("#address", "ada@example.com");
  await press("Start a trial");
  await page.getByText("Use link in this page").first().click();
  await page.locator("#subscription-mark", { hasText: "Trial" }).waitFor();
  await press("Add working card");
  await page.locator("#message", { hasText: "Working card added." }).waitFor();
  await press("+14 days");
  await page.locator("#subscription-mark", { hasText: "Active" }).waitFor();
  await page.locator("#inbox").getByText(`Your ${app.name} trial ends soon`).waitFor();
  await press("Dismiss");
  await page.evaluate("scrollTo(0, 0); document.getElementById('inbox').scrollTop = 0");
}
