/** `node tools/docs/page_picture.ts`: takes the picture of the local page that the README shows, in a throwaway stack. */
import { chromium } from "playwright-core";
import { startLocalStack } from "#tools/local/stack.ts";
import { findBrowser } from "#tools/machine/browser.ts";

const PICTURE = "docs/pictures/local_page.jpg";
const VIEWPORT = { width: 1280, height: 860 };

const found = await findBrowser();
if ("missing" in found) throw new Error(`The picture needs a browser: ${found.missing}`);
const quiet = () => undefined;
const stack = await startLocalStack({ port: 0, isThrowAway: true, say: quiet, write: quiet });
const browser = await chromium.launch({
  executablePath: found.path,
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const page = await browser.newPage({ viewport: VIEWPORT, colorScheme: "light" });
  const press = (name: string) => page.getByRole("button", { name, exact: true }).click();
  await page.goto(stack.url);
  await page.fill("#address", "ada@example.com");
  await press("Start a trial");
  await page.getByText("Use link in this page").first().click();
  await page.locator("#subscription-mark", { hasText: "Trial" }).waitFor();
  await press("Add working card");
  await press("+14 days");
  await page.locator("#subscription-mark", { hasText: "Active" }).waitFor();
  await press("Dismiss");
  await page.screenshot({ path: PICTURE, animations: "disabled", quality: 80 });
  console.log(`Wrote ${PICTURE}. Look at it, also for details that change with each run.`);
} finally {
  await browser.close();
  await stack.close();
}
