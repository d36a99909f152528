import type { CDPSession, Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { asUser, callerOf, type StackCaller } from "#tests/support/black_box.ts";
import { browserSuite, hasBrowser, holdCalls, inspect, press } from "#tests/support/browser.ts";
import { digitsIn } from "#tests/support/codes.ts";
import { signInToConsole, userWithRoles } from "#tests/support/console.ts";
import { appCode } from "#tests/support/mfa.ts";

describe.skipIf(!hasBrowser)("the second step in the console", () => {
  // Tests can't advance the clock of these limits, which is that of the database.
  const suite = browserSuite({ settings: { LIMIT_CODES_PER_IDENTIFIER: "0" } });
  let caller: StackCaller;
  beforeAll(async () => {
    caller = await callerOf(suite.stack);
  });
  const pass = (seconds: number) => suite.stack.pass(seconds);
  const now = () => suite.stack.now();
  const shows = (page: Page, text: string) => page.getByText(text).first().waitFor();
  const isIn = (page: Page) => page.getByRole("heading", { name: "Users" }).waitFor();

  /** An administrator with an authenticator app. */
  const adminWithApp = async (address: string) => {
    const admin = await userWithRoles(caller, address, ["admin"]);
    const asked = { factor_type: "totp", confirm: true };
    const { body: created } = await caller.call("create_mfa_factor", asked, asUser(admin));
    const proof = { factor_id: created.factor_id, code: appCode(created.secret, now()) };
    const { body } = await caller.call("verify_mfa_factor", proof, asUser(admin));
    expect(body.recovery_codes).toHaveLength(10);
    // The code of the next step: that of the current one is used.
    const nextCode = () => appCode(created.secret, now(), 1);
    return { ...admin, nextCode, recoveryCodes: body.recovery_codes as string[] };
  };
  const openSecondStep = async (address: string) => {
    const page = await suite.open("/console", { width: 390 });
    await signInToConsole(page, caller, address);
    await page.getByRole("heading", { name: "Second step" }).waitFor();
    return page;
  };

  test("refuses a wrong code with a sentence, and signs an administrator in with the code of their app", async () => {
    const address = "app.admin@example.com";
    const { nextCode } = await adminWithApp(address);
    const page = await openSecondStep(address);
    await inspect(page, "console_second_step");
    const wrong = nextCode() === "000000" ? "000001" : "000000";
    await page.getByLabel("Code", { exact: true }).fill(wrong);
    await press(page, "Sign in");
    await shows(page, "This code is wrong, or was used before.");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Sign in");
    await page.getByLabel("Second factor").selectOption({ label: "Recovery code" });
    expect(await page.getByRole("alert").count()).toBe(0);
    await page.getByLabel("Second factor").selectOption({ label: "Code of your authenticator app" });
    await page.getByLabel("Code", { exact: true }).fill(nextCode());
    await press(page, "Sign in");
    await isIn(page);
  });

  test("signs an administrator in with a recovery code", async () => {
    const address = "recovery.admin@example.com";
    const { recoveryCodes } = await adminWithApp(address);
    const page = await openSecondStep(address);
    await page.getByLabel("Second factor").selectOption({ label: "Recovery code" });
    await page.getByLabel("Recovery code").fill(recoveryCodes[0] ?? "");
    await press(page, "Sign in");
    await isIn(page);
  });

  test("sends a code by SMS, and signs an administrator in with it", async () => {
    const address = "sms.admin@example.com";
    const admin = await userWithRoles(caller, address, ["admin"]);
    const smsCode = () =>
      digitsIn(suite.stack.sns.inbox.findLast(({ to }) => to === "+6591234567")?.text ?? "");
    const asked = { factor_type: "sms", phone_number: "+6591234567", confirm: true };
    const { body: created } = await caller.call("create_mfa_factor", asked, asUser(admin));
    const proof = { factor_id: created.factor_id, code: smsCode() };
    expect((await caller.call("verify_mfa_factor", proof, asUser(admin))).status).toBe(200);
    const page = await openSecondStep(address);
    // A screen reader announces a text in an element that was there before.
    await page.getByRole("status").waitFor({ state: "attached" });
    await press(page, "Send code");
    await shows(page, "A code was sent to •••567.");
    await page.getByLabel("Code", { exact: true }).fill(smsCode());
    await press(page, "Sign in");
    await isIn(page);
  });

  test("signs an administrator in with a passkey", async () => {
    const address = "passkey.admin@example.com";
    const { access_token } = await userWithRoles(caller, address, ["admin"]);
    const page = await suite.open("/console");
    await addAuthenticator(await page.context().newCDPSession(page));
    await addPasskey(page, access_token);
    await signInToConsole(page, caller, address);
    await page.getByRole("heading", { name: "Second step" }).waitFor();
    await press(page, "Use passkey");
    await isIn(page);
  });

  /** Adds an authenticator that can verify its owner. @returns its id */
  async function addAuthenticator(session: CDPSession): Promise<string> {
    await session.send("WebAuthn.enable");
    const options = {
      ...{ protocol: "ctap2" as const, transport: "internal" as const, hasResidentKey: true },
      ...{ hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    };
    return (await session.send("WebAuthn.addVirtualAuthenticator", { options })).authenticatorId;
  }

  /** Makes a passkey in the page, as the app of the user does it. */
  async function addPasskey(page: Page, access_token: string): Promise<void> {
    const asked = { factor_type: "webauthn", confirm: true };
    const { body: created } = await caller.call("create_mfa_factor", asked, asUser({ access_token }));
    const credential = await page.evaluate(`(async () => {
      const options = PublicKeyCredential.parseCreationOptionsFromJSON(${JSON.stringify(created.passkey_options)});
      const { id, rawId, type, response } = (await navigator.credentials.create({ publicKey: options })).toJSON();
      const { clientDataJSON, attestationObject, transports } = response;
      return { id, rawId, type, response: { clientDataJSON, attestationObject, transports } };
    })()`);
    const proof = { factor_id: created.factor_id, credential };
    expect(await caller.call("verify_mfa_factor", proof, asUser({ access_token }))).toMatchObject({
      status: 200,
    });
  }

  test("uses a link again when Nest was not reached, and presents a code once on a slow network", async () => {
    const address = "offline.admin@example.com";
    const { nextCode } = await adminWithApp(address);
    const page = await suite.open("/console", { width: 360 });
    await page.route("**/authenticate_user", (route) => route.abort());
    await signInToConsole(page, caller, address);
    await shows(page, "There is no connection to the server.");
    await inspect(page, "console_offline");
    await page.unroute("**/authenticate_user");
    await press(page, "Try again");
    await page.getByRole("heading", { name: "Second step" }).waitFor();
    const held = await holdCalls(page, "authenticate_user");
    await page.getByLabel("Code", { exact: true }).fill(nextCode());
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.locator("button[aria-disabled=true]").waitFor();
    held.release();
    await isIn(page);
    expect(held.count()).toBe(1);
  });

  test("says why another link was not sent", async () => {
    const page = await suite.open("/console");
    await page.getByLabel("Email address").fill("first.link@example.com");
    await press(page, "Send link");
    await shows(page, "A link was sent to first.link@example.com.");
    await page.route("**/send_magic_link", (route) => route.abort());
    await page.getByLabel("Email address").fill("second.link@example.com");
    await press(page, "Send link");
    await shows(page, "There is no connection to the server.");
    expect(await page.getByText("A link was sent to").count()).toBe(0);
  });

  test("asks for the passkey of an administrator in the question of a change, and can be left", async () => {
    const address = "passkey.change@example.com";
    const { user_id, access_token } = await userWithRoles(caller, address, ["admin"]);
    const page = await suite.open("/console", { width: 360 });
    const session = await page.context().newCDPSession(page);
    const authenticatorId = await addAuthenticator(session);
    await addPasskey(page, access_token);
    await signInToConsole(page, caller, address);
    await press(page, "Use passkey");
    await isIn(page);
    pass(700);
    await page.goto(`${suite.stack.api.url}/console#/users/${user_id}`);
    const opener = page.getByRole("button", { name: /^End the session of/ }).first();
    const dialog = page.getByRole("dialog");
    await opener.click();
    await dialog.getByRole("button", { name: "End session" }).click();
    await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
    await dialog.getByRole("button", { name: "Use passkey" }).click();
    await shows(page, "No passkey was used. Try it again, or choose another way.");
    await inspect(page, "console_passkey_refused");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    expect(await page.evaluate("document.activeElement.textContent")).toMatch(/^End the session of/);
    await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
    await opener.click();
    await dialog.getByRole("button", { name: "End session" }).click();
    await dialog.getByRole("button", { name: "Use passkey" }).click();
    await shows(page, "Done: End session");
  });

  test("asks for a new link when the second step took too long", async () => {
    const address = "slow.admin@example.com";
    const { nextCode } = await adminWithApp(address);
    const page = await openSecondStep(address);
    pass(601);
    await page.getByLabel("Code", { exact: true }).fill(nextCode());
    await press(page, "Sign in");
    await shows(page, "This took too long, or too many codes were wrong. Begin again.");
    await page.getByRole("button", { name: "Send link" }).waitFor();
  });

  test("asks a signed-in administrator whose sign-in is old for the second step, and then does what they confirmed", async () => {
    const address = "old.admin@example.com";
    const { user_id, nextCode } = await adminWithApp(address);
    const page = await openSecondStep(address);
    await page.getByLabel("Code", { exact: true }).fill(nextCode());
    await press(page, "Sign in");
    await isIn(page);
    pass(700);
    await page.goto(`${suite.stack.api.url}/console#/users/${user_id}`);
    await page
      .getByRole("button", { name: /^End the session of/ })
      .first()
      .click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "End session" }).click();
    await shows(page, "You signed in a while ago. Present a second factor to do this.");
    expect(await page.evaluate("document.activeElement.id")).toBe("factor");
    await inspect(page, "console_confirm_second_step");
    await dialog.getByLabel("Code", { exact: true }).fill(nextCode());
    await dialog.getByRole("button", { name: "End session" }).click();
    await shows(page, "Done: End session");
  });
});
