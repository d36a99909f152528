import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import type { App } from "#core/app/app.ts";
import { callerOf, type StackCaller } from "#tests/support/black_box.ts";
import { browserSuite, hasBrowser, inspect, press } from "#tests/support/browser.ts";
import { wrongCode } from "#tests/support/codes.ts";
import { consoleLinkTo, signInToConsole, userWithRoles } from "#tests/support/console.ts";
import { appCode } from "#tests/support/mfa.ts";
import { SAMPLE_CLIENT_IDS } from "#tools/local/sample_clients.ts";

/** The client of the console requires a second factor of users with a platform role. */
const withPolicy = (app: App): App => ({
  ...app,
  clients: app.clients.map((one) =>
    one.id === SAMPLE_CLIENT_IDS.web
      ? { ...one, mfa: { policy: "required_for_roles", factors: ["totp"] } }
      : one,
  ),
});

describe.skipIf(!hasBrowser)("the console where roles need a second factor", () => {
  const suite = browserSuite({ withClients: withPolicy });
  let caller: StackCaller;
  beforeAll(async () => {
    caller = await callerOf(suite.stack);
  });
  const pass = (seconds: number) => suite.stack.pass(seconds);
  const codeOf = (seed: string, steps = 0) => appCode(seed, suite.stack.now(), steps);
  const shows = (page: Page, text: string) => page.getByText(text).first().waitFor();
  const focused = (page: Page) => page.evaluate("document.activeElement.textContent");
  const fillCode = (page: Page, code: string) => page.getByLabel("Code", { exact: true }).fill(code);

  /** Opens the console as a user who got a role after the sign-in, so that the session lacks the second factor. */
  const openWithoutFactor = async (address: string) => {
    const page = await suite.open("/console", { width: 360 });
    await signInToConsole(page, caller, address);
    await shows(page, "You can't use the console yet");
    const user_id = await page.locator("pre").textContent();
    const [id = ""] = /user_\w+/.exec(user_id ?? "") ?? [];
    const asked = { user_id: id, roles: ["admin"] };
    expect(await caller.call("set_user_roles", asked, caller.internal)).toMatchObject({ status: 200 });
    await press(page, "Check again");
    return page;
  };
  /** Adds an authenticator app in the console. @returns its seed */
  const addApp = async (page: Page, name: string) => {
    await inspect(page, `${name}_none`);
    await press(page, "Add an authenticator app");
    const seed = (await page.locator("code").last().textContent()) ?? "";
    await page.getByAltText("QR code for the app").waitFor();
    await expect
      .poll(() => page.evaluate("document.querySelector('main img').naturalWidth"))
      .toBeGreaterThan(90);
    await inspect(page, `${name}_app`);
    await fillCode(page, wrongCode(codeOf(seed)));
    await press(page, "Add");
    await shows(page, "This code is wrong, or was used before.");
    await fillCode(page, codeOf(seed));
    await press(page, "Add");
    await page.getByRole("heading", { name: "Keep your recovery codes" }).waitFor();
    expect(await focused(page)).toBe("Keep your recovery codes");
    expect(await page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").count()).toBe(10);
    await inspect(page, `${name}_codes`);
    await shows(page, "wait until the app shows a new one");
    await press(page, "I saved them");
    return seed;
  };

  test("says that a role needs a second factor, adds one on the spot, and goes on where the user was", async () => {
    const page = await openWithoutFactor("late.role@example.com");
    await shows(page, "Your role needs a second factor, and you have none.");
    expect(await focused(page)).toBe("Second factor");
    const seed = await addApp(page, "console_add");
    await shows(page, "Your role requires a second factor, and you have not presented one in this session.");
    await inspect(page, "console_step_up");
    await fillCode(page, codeOf(seed, 1));
    await press(page, "Continue");
    await page.getByRole("link", { name: "late.role@example.com" }).waitFor();
    // The focus is at the part that took the place of the card.
    expect(await page.evaluate("document.activeElement.tagName")).toBe("DIV");
  });

  test("asks a session without a second factor for it after a reload, and opens another challenge when one is over", async () => {
    const page = await openWithoutFactor("reload@example.com");
    await shows(page, "Your role needs a second factor, and you have none.");
    const seed = await addApp(page, "console_reload");
    await page.reload();
    await shows(page, "you have not presented one in this session.");
    await fillCode(page, wrongCode(codeOf(seed, 1)));
    await press(page, "Continue");
    await shows(page, "This code is wrong, or was used before.");
    pass(601);
    await fillCode(page, codeOf(seed));
    await press(page, "Continue");
    await shows(page, "This took too long, or too many codes were wrong. Begin again.");
    await fillCode(page, codeOf(seed));
    await press(page, "Continue");
    await page.getByRole("link", { name: "reload@example.com" }).waitFor();
  });

  test("sends a link to a user without a second factor whose sign-in is old, and then adds one", async () => {
    const address = "old.without@example.com";
    const page = await openWithoutFactor(address);
    await shows(page, "Your role needs a second factor, and you have none.");
    pass(700);
    await press(page, "Add an authenticator app");
    await shows(page, "You signed in a while ago. Sign in again to do this.");
    await press(page, `Send a link to ${address}`);
    await shows(page, `A link was sent to ${address}.`);
    // The client requires a factor of the user, so the link adds it, and the old session ends.
    await page.goto(consoleLinkTo(caller, address));
    await shows(page, "Your role needs a second factor, and you have none.");
    await addApp(page, "console_old");
    await page.getByRole("button", { name: "Send link" }).waitFor();
  });

  test("says what an administrator without a second factor lacks at the sign-in, and adds one", async () => {
    const address = "no.factor@example.com";
    await userWithRoles(caller, address, ["admin"]);
    const page = await suite.open("/console", { width: 360 });
    await signInToConsole(page, caller, address);
    await shows(page, "Your role needs a second factor, and you have none.");
    const seed = await addApp(page, "console_enrolment");
    await shows(page, "Your second factor is added. Sign in again, with the next code of the app.");
    await signInToConsole(page, caller, address);
    await page.getByRole("heading", { name: "Second step" }).waitFor();
    await fillCode(page, codeOf(seed, 1));
    await press(page, "Sign in");
    await page.getByRole("link", { name: address }).waitFor();
  });

  test("asks for a new link when adding the second factor took too long", async () => {
    const address = "slow.factor@example.com";
    await userWithRoles(caller, address, ["admin"]);
    const page = await suite.open("/console");
    await signInToConsole(page, caller, address);
    await shows(page, "Your role needs a second factor, and you have none.");
    pass(601);
    await press(page, "Add an authenticator app");
    await shows(page, "This took too long, or too many codes were wrong. Begin again.");
    await page.getByRole("button", { name: "Send link" }).waitFor();
  });
});
