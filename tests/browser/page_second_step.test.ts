import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { asUser, callerOf, type StackCaller } from "#tests/support/black_box.ts";
import { browserSuite, hasBrowser, holdCalls, inspect, press, says } from "#tests/support/browser.ts";
import { digitsIn, wrongCode } from "#tests/support/codes.ts";
import { appCode } from "#tests/support/mfa.ts";

const NUMBER = "+6591230777";

describe.skipIf(!hasBrowser)("the second step on the local page", () => {
  // Tests can't advance the clock of these limits, which is that of the database.
  const suite = browserSuite({ settings: { LIMIT_CODES_PER_IDENTIFIER: "0" } });
  let caller: StackCaller;
  beforeAll(async () => {
    caller = await callerOf(suite.stack);
  });
  const smsCode = () => digitsIn(suite.stack.sns.inbox.findLast(({ to }) => to === NUMBER)?.text ?? "");

  /** Presents the code of a mail as the first step. */
  const firstStep = async (address: string): Promise<Page> => {
    const page = await suite.open();
    await page.getByLabel("Client").selectOption(caller.clients.native);
    await page.getByText("Code", { exact: true }).first().click();
    await page.fill("#code-to", address);
    await press(page, "Send code");
    await says(page, "The code is in the inbox.");
    await page.fill("#code", digitsIn(caller.mailTo(address).text));
    await press(page, "Sign in");
    await says(page, "Present the user's second factor.");
    return page;
  };
  const isSignedIn = async (page: Page) => {
    await says(page, "You are signed in.");
    await page.locator("#second-step").waitFor({ state: "hidden" });
  };

  test("refuses a wrong code of an app, and signs in with the right one or a recovery code", async () => {
    const address = "page.app@example.com";
    const user = await caller.signIn(address);
    const asked = { factor_type: "totp", confirm: true };
    const { body: created } = await caller.call("create_mfa_factor", asked, asUser(user));
    const proof = { factor_id: created.factor_id, code: appCode(created.secret, new Date()) };
    const { body: verified } = await caller.call("verify_mfa_factor", proof, asUser(user));
    const page = await firstStep(address);
    await inspect(page, "page_second_step");
    // The code of the next step: that of the current one is used.
    const code = () => appCode(created.secret, new Date(), 1);
    await page.fill("#second-code", wrongCode(code()));
    await press(page, "Continue");
    await page.locator("#second-code-error", { hasText: "The code is wrong, or was used before." }).waitFor();
    await page.fill("#second-code", code());
    await press(page, "Continue");
    await isSignedIn(page);

    const again = await firstStep(address);
    await again.getByLabel("Second factor", { exact: true }).selectOption({ label: "Recovery code" });
    await again.fill("#second-code", verified.recovery_codes[0]);
    await press(again, "Continue");
    await isSignedIn(again);
  });

  test("sends a code by SMS, and signs in with it", async () => {
    const address = "page.sms@example.com";
    const user = await caller.signIn(address);
    const asked = { factor_type: "sms", phone_number: NUMBER, confirm: true };
    const { body: created } = await caller.call("create_mfa_factor", asked, asUser(user));
    const proof = { factor_id: created.factor_id, code: smsCode() };
    expect((await caller.call("verify_mfa_factor", proof, asUser(user))).status).toBe(200);
    const page = await firstStep(address);
    await press(page, "Send the code");
    await says(page, "The code is in the inbox.");
    await page.fill("#second-code", smsCode());
    await press(page, "Continue");
    await isSignedIn(page);
  });

  /** A user with an authenticator app. */
  const withApp = async (address: string) => {
    const user = await caller.signIn(address);
    const asked = { factor_type: "totp", confirm: true };
    const { body: created } = await caller.call("create_mfa_factor", asked, asUser(user));
    const proof = { factor_id: created.factor_id, code: appCode(created.secret, new Date()) };
    expect((await caller.call("verify_mfa_factor", proof, asUser(user))).status).toBe(200);
    return { nextCode: () => appCode(created.secret, new Date(), 1) };
  };
  const signInByLink = async (page: Page, address: string) => {
    await page.getByText("Magic link", { exact: true }).first().click();
    await page.fill("#address", address);
    await press(page, "Send magic link");
    await says(page, "The magic link is in the inbox.");
    await page.getByText("Use link in this page").first().click();
    await says(page, "You are signed in.");
  };
  const focused = (page: Page) => page.evaluate("document.activeElement.id");

  test("forgets the second step when another user signs in meanwhile", async () => {
    await withApp("page.waits@example.com");
    const page = await firstStep("page.waits@example.com");
    await page.fill("#second-code", "123");
    await signInByLink(page, "page.other@example.com");
    await page.locator("#second-step").waitFor({ state: "hidden" });
    expect(await page.inputValue("#second-code")).toBe("");
  });

  test("keeps the second step while the page only refreshes its data", async () => {
    const { nextCode } = await withApp("page.keeps@example.com");
    const page = await firstStep("page.keeps@example.com");
    await page.getByLabel("Client").selectOption(caller.clients.simple);
    await says(page, "This page now uses the client");
    expect(await page.locator("#second-step").isVisible()).toBe(true);
    await page.fill("#second-code", nextCode());
    await press(page, "Continue");
    await isSignedIn(page);
    expect(await focused(page)).toBe("account-title");
  });

  test("takes back its request and the focus when the second step is canceled", async () => {
    await withApp("page.cancels@example.com");
    const page = await firstStep("page.cancels@example.com");
    await press(page, "Cancel");
    await page.locator("#second-step").waitFor({ state: "hidden" });
    expect(await page.locator("#message").textContent()).toBe("");
    expect(await focused(page)).toBe("code-to");
  });

  test("ends the second step when its challenge can't be used any more, and says so", async () => {
    const { nextCode } = await withApp("page.late@example.com");
    const page = await firstStep("page.late@example.com");
    suite.stack.pass(601);
    try {
      await page.fill("#second-code", nextCode());
      await press(page, "Continue");
      await says(page, "The sign-in expired, or too many codes were wrong. Sign in again.");
      await page.locator("#second-step").waitFor({ state: "hidden" });
      expect(await focused(page)).toBe("code-to");
    } finally {
      suite.stack.pass(-601);
    }
  });

  test("offers the code of the first step no more once it was right", async () => {
    const { nextCode } = await withApp("page.used@example.com");
    const page = await firstStep("page.used@example.com");
    expect(await page.locator("#code-form").isVisible()).toBe(false);
    await page.fill("#second-code", nextCode());
    await press(page, "Continue");
    await isSignedIn(page);
    await press(page, "Sign out");
    await says(page, "You are signed out.");
    expect(await page.locator("#code-form").isVisible()).toBe(false);
    expect(await page.getByRole("button", { name: /^Use code/ }).count()).toBe(0);
  });

  test("forgets a wrong code and its error when another factor is chosen", async () => {
    const { nextCode } = await withApp("page.chooses@example.com");
    const page = await firstStep("page.chooses@example.com");
    await page.fill("#second-code", wrongCode(nextCode()));
    await press(page, "Continue");
    await page.locator("#second-code-error", { hasText: "The code is wrong" }).waitFor();
    await page.getByLabel("Second factor", { exact: true }).selectOption({ label: "Recovery code" });
    expect(await page.locator("#second-code-error").textContent()).toBe("");
    expect(await page.inputValue("#second-code")).toBe("");
  });

  test("presents a code once when its button is pressed twice on a slow network", async () => {
    const { nextCode } = await withApp("page.twice@example.com");
    const page = await firstStep("page.twice@example.com");
    const held = await holdCalls(page, "authenticate_user");
    await page.fill("#second-code", nextCode());
    await press(page, "Continue");
    await press(page, "Continue");
    held.release();
    await isSignedIn(page);
    expect(held.count()).toBe(1);
  });

  test("shows another user nothing of what the previous user typed or waited for", async () => {
    const page = await suite.open();
    await page.getByLabel("Client").selectOption(caller.clients.native);
    await signInByLink(page, "page.first@example.com");
    await page.getByText("Add an address").click();
    await page.fill("#new-address", "page.first.second@example.com");
    await page.locator("#address-form button").click();
    await says(page, "The code is in the inbox.");
    await page.fill("#verify-code", "123");
    await page.fill("#new-address", "page.first.third@example.com");
    await page.locator("#password-action").click();
    await page.fill("#new-password", "a password of the first user");
    await press(page, "Sign out");
    await says(page, "You are signed out.");
    await signInByLink(page, "page.second@example.com");
    await page.locator("#user dd", { hasText: "page.second@example.com" }).waitFor();
    expect(await page.locator("#verify-form").isVisible()).toBe(false);
    for (const field of ["verify-code", "new-address", "new-password"])
      expect(await page.inputValue(`#${field}`), field).toBe("");
    // The code of the first user still works for the first user.
    await press(page, "Sign out");
    await signInByLink(page, "page.first@example.com");
    await page.locator("#verify-form").waitFor();
  });
});
