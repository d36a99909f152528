import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { asUser, callerOf, type StackCaller } from "#tests/support/black_box.ts";
import { browserSuite, hasBrowser, inspect, press, says } from "#tests/support/browser.ts";
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
});
