import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { emptiedBrowserSuite, hasBrowser, inspect, press, says } from "#tests/support/browser.ts";

describe.skipIf(!hasBrowser)("sessions and audit trail of the local page", () => {
  const suite = emptiedBrowserSuite();

  /** Signs in on a page of its own browser, with a session of its own. */
  const signIn = async (address: string, options = {}): Promise<Page> => {
    const page = await suite.open("/", options);
    await page.fill("#address", address);
    await press(page, "Send magic link");
    await says(page, "The magic link is in the inbox.");
    await page.getByText("Use link in this page").first().click();
    await says(page, "You are signed in.");
    await page.locator("#sessions li").first().waitFor();
    return page;
  };
  /** Reads the sessions again, which the page does after each call of its user. */
  const readAgain = async (page: Page) => {
    await press(page, "Refresh tokens");
    await says(page, "Tokens refreshed.");
  };
  const actions = (page: Page) => page.locator("#audit .type");
  const row = (page: Page, action: string) => page.locator("#audit li", { hasText: action });

  test("revokes one session, then all others, and the pages of both are signed out", async () => {
    const [first, second, third] = [
      await signIn("sam@example.com"),
      await signIn("sam@example.com"),
      await signIn("sam@example.com"),
    ];
    expect(await first.getByRole("button", { name: "Revoke all others" }).count()).toBe(0);
    await readAgain(first);
    const list = first.locator("#sessions li");
    await expect.poll(() => list.count()).toBe(3);
    expect(await first.locator("#sessions .mark").allTextContents()).toEqual(["This session"]);
    await first
      .getByRole("button", { name: /^Revoke the session of Beak for macOS, mac, since/ })
      .first()
      .click();
    await says(first, "Session revoked.");
    expect(await list.count()).toBe(2);
    await press(first, "Revoke all others");
    await says(first, "1 session revoked.");
    expect(await list.count()).toBe(1);
    expect(await first.getByRole("button", { name: "Revoke all others" }).count()).toBe(0);
    for (const other of [second, third]) {
      await press(other, "Allow");
      await says(other, "You are signed out.");
      expect(await other.locator("#audit li").count()).toBe(0);
    }
  });

  test("shows a change in the audit trail at once, and the same row once a job has moved it", async () => {
    const page = await signIn("ula@example.com");
    await row(page, "user.signed_in").getByText("In the log").waitFor();
    await press(page, "Allow");
    await says(page, "Choice saved.");
    const consent = row(page, "consent.updated");
    await consent.getByText("Pending").waitFor();
    expect(await actions(page).first().textContent()).toBe("consent.updated");
    await consent.locator("summary").click();
    expect(await consent.locator("dl").textContent()).toContain("levelgeneral");
    await suite.stack.ask("POST", "/dev/jobs/move_events");
    await consent.getByText("In the log").waitFor();
    expect(await consent.locator("details").getAttribute("open")).toBe("");
    expect(await row(page, "consent.updated").count()).toBe(1);
    await press(page, "Sign out");
    await says(page, "You are signed out.");
    await page.locator("#audit:empty").waitFor({ state: "attached" });
  });

  test.each([
    [390, "light"],
    [390, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)(
    "fits %i px in %s and is accessible with two sessions and an open row",
    async (width, colorScheme) => {
      const address = `vi.${width}.${colorScheme}@example.com`;
      await signIn(address);
      const page = await signIn(address, { width, colorScheme });
      await page.getByRole("button", { name: "Revoke all others" }).waitFor();
      await page.locator("#audit summary").first().click();
      await inspect(page, `sessions-${width}-${colorScheme}`);
    },
  );

  // The last one: the clock of the jobs does not follow.
  test("asks for a fresh sign-in to revoke another session 10 minutes after the sign-in", async () => {
    await signIn("tea@example.com");
    const page = await signIn("tea@example.com");
    suite.stack.pass(601);
    await press(page, "Revoke all others");
    await says(page, "(reauthentication_required)");
    expect(await page.locator("#sessions li").count()).toBe(2);
  });
});
