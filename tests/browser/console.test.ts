import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { METHODS } from "#client/methods.ts";
import { asUser, callerOf, type StackCaller } from "#tests/support/black_box.ts";
import { browserSuite, hasBrowser, inspect, press } from "#tests/support/browser.ts";
import { consoleLinkTo, openConsole, signInToConsole, userWithRoles } from "#tests/support/console.ts";
import { appCode } from "#tests/support/mfa.ts";
import { consoleScript } from "#tools/console/build_console.ts";

/** Script of the console after gzip, in bytes. The second step of a sign-in, with its passkeys, takes about 1,200 of them. */
const SCRIPT_LIMIT = 32_500;

describe.skipIf(!hasBrowser)("the console", () => {
  const suite = browserSuite();
  let caller: StackCaller;
  beforeAll(async () => {
    caller = await callerOf(suite.stack);
  });
  const shows = (page: Page, text: string) => page.getByText(text).first().waitFor();

  const openUser = async (page: Page, address: string) => {
    await page.getByLabel("Email address, phone number or user id").fill(address);
    await press(page, "Find");
    await page.getByRole("link", { name: address }).click();
    await page.getByRole("heading", { name: address }).waitFor();
  };
  const inspectBoth = async (page: Page, name: string) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await inspect(page, `${name}_${colorScheme}`);
    }
  };

  test("says what a user without a role lacks, and lets them in as soon as they have it", async () => {
    const address = "newcomer@example.com";
    const page = await suite.open("/console", { width: 390 });
    await inspect(page, "console_sign_in");
    await signInToConsole(page, caller, address);
    await shows(page, "You can't use the console yet");
    await shows(page, "users.read");
    await inspect(page, "console_no_access");
    await userWithRoles(caller, address, ["support"]);
    await press(page, "Check again");
    await page.getByRole("heading", { name: "Users" }).waitFor();
    expect(new URL(page.url()).search).toBe("");
    expect(await page.evaluate("document.cookie + JSON.stringify(localStorage)")).not.toMatch(/eyJ|reftok/);
    await press(page, "Sign out");
    await page.getByRole("button", { name: "Send link" }).waitFor();
    // The page forgets the session first, then tells Nest, whose response removes the cookies.
    await expect.poll(() => page.context().cookies()).toEqual([]);
  });

  test("refuses a link that this browser did not request", async () => {
    const page = await suite.open("/console?code=authzcode_000000C2kdCzNlbL1BqR5FeMatItU.00&state=other");
    await shows(page, "Open the link on the device that requested it");
    expect(new URL(page.url()).search).toBe("");
  });

  test("shows whether a webhook arrived, and sends it again", async () => {
    const created = await caller.call(
      "create_webhook",
      { url: `${suite.stack.api.url}/dev/webhooks`, events: ["user.disabled"], description: "Back office" },
      caller.internal,
    );
    expect(created.status).toBe(200);
    await caller.call("send_test_webhook", { webhook_id: created.body.webhook.id }, caller.internal);
    await suite.stack.ask("POST", "/dev/jobs/deliver_webhooks");
    const page = await openConsole(suite, caller);
    await page.getByRole("link", { name: "Webhooks" }).click();
    await shows(page, "Back office. user.disabled");
    await page.getByRole("link", { name: created.body.webhook.url }).click();
    await shows(page, "Succeeded");
    await page.getByText("Attempts: 1").click();
    await shows(page, "The receiver answered 20");
    await inspectBoth(page, "console_webhooks");
    await page.getByRole("button", { name: /^Send again/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Send again" }).click();
    await shows(page, "Done: Send again");
    await suite.stack.ask("POST", "/dev/jobs/deliver_webhooks");
    // The run that the call itself started may still be the one that sends.
    const received = async () => (await suite.stack.ask("GET", "/dev/webhooks")).body.items;
    await expect.poll(received).toHaveLength(2);
  });

  test("finds, disables and reactivates a user, and calls methods of Nest by the typed client only", async () => {
    const tokens = await caller.signIn("ada@example.com");
    const mistakes: string[] = [];
    const called = new Set<string>();
    const page = await openConsole(suite, caller, {
      prepare: (page) => {
        page.on("console", (message) => void (message.type() === "error" && mistakes.push(message.text())));
        page.on("pageerror", (error) => void mistakes.push(error.message));
        page.on("request", (request) => void called.add(new URL(request.url()).pathname));
      },
    });
    await page.getByLabel("Email address, phone number or user id").fill("ada@");
    await press(page, "Find");
    await inspectBoth(page, "console_users");
    await openUser(page, "ada@example.com");
    await press(page, "Disable user");
    await shows(page, "All sessions of the user end at once");
    await inspectBoth(page, "console_confirm");
    await page.getByRole("dialog").getByRole("button", { name: "Disable user" }).click();
    await page.getByRole("button", { name: "Make active" }).waitFor();
    await shows(page, "Done: Disable user.");
    await shows(page, "The user is signed in nowhere.");
    expect(await caller.call("get_user", {}, asUser(tokens))).toMatchObject({ status: 401 });
    await press(page, "Make active");
    await page.getByRole("dialog").getByRole("button", { name: "Make active" }).click();
    await page.getByRole("button", { name: "Disable user" }).waitFor();

    expect(mistakes).toEqual([]);
    const methods = [...called].flatMap((path) => /^\/1\/2026-12-01\/(\w+)$/.exec(path)?.[1] ?? []);
    expect(methods.filter((method) => !(method in METHODS))).toEqual([]);
    const others = [...called].filter((path) => !path.startsWith("/1/2026-12-01/") && path !== "/console");
    expect(others.sort()).toEqual(["/console/console.css", "/console/console.js", "/console/logo.svg"]);
  });

  test("shows why a user is signed out, what they bought and where a refund is", async () => {
    const address = "grace@example.com";
    const { access_token } = await caller.signIn(address);
    await caller.call("revoke_session", {}, asUser({ access_token }));
    const kept = suite.stack.stripe.createSubscription({ email: address });
    await suite.stack.stripe.settled();
    suite.stack.pass(5);
    suite.stack.stripe.createSubscription({ email: address });
    await suite.stack.stripe.settled();
    const page = await openConsole(suite, caller);
    await openUser(page, address);
    await shows(page, "The session was revoked: the user signed out on this device");
    await shows(page, "Active");
    await shows(page, kept.id);
    await shows(page, "Refund of £4.99 as a duplicate: done on");
    await shows(page, "Payment of £4.99");
    await inspectBoth(page, "console_user");
    await page.setViewportSize({ width: 390, height: 900 });
    await inspectBoth(page, "console_user_narrow");
    suite.stack.stripe.fault({ calls: 100, kind: "error" });
    await page.reload();
    await shows(page, "Stripe does not respond, so payments can't be shown.");
    suite.stack.stripe.fault({ calls: 0, kind: "none" });
    await press(page, "Try again");
    await shows(page, "Payment of £4.99");
  });

  test("ends a session of a user, and gives a role with which the user opens the console", async () => {
    const { access_token } = await caller.signIn("linus@example.com");
    const page = await openConsole(suite, caller);
    await openUser(page, "linus@example.com");
    await page.getByRole("button", { name: /^End the session of/ }).click();
    await shows(page, "End the session of linus@example.com on");
    await page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
    await shows(page, "The user is signed in nowhere.");
    expect(await caller.call("get_user", {}, asUser({ access_token }))).toMatchObject({ status: 401 });

    await page.getByLabel("Support").check();
    await press(page, "Save roles");
    await shows(page, "linus@example.com will get: support.");
    await page.getByRole("dialog").getByRole("button", { name: "Save roles" }).click();
    await shows(page, "Done: Save roles.");
    await page.getByText("support, user").or(page.getByText("user, support")).first().waitFor();
  });

  test("shows the second factors of a user, and asks before it removes one", async () => {
    const address = "two.steps@example.com";
    const user = await caller.signIn(address);
    const asked = { factor_type: "totp", name: "Old phone", confirm: true };
    const { body: created } = await caller.call("create_mfa_factor", asked, asUser(user));
    const proof = { factor_id: created.factor_id, code: appCode(created.secret, new Date()) };
    expect((await caller.call("verify_mfa_factor", proof, asUser(user))).status).toBe(200);
    const page = await openConsole(suite, caller, { width: 390 });
    await openUser(page, address);
    await shows(page, "Authenticator app, Old phone");
    await shows(page, "10 recovery codes are left.");
    await inspectBoth(page, "console_second_factors");
    await page.getByRole("button", { name: "Remove the second factor of" }).click();
    await shows(page, "First verify the person's identity");
    await press(page, "Remove second factor");
    await shows(page, "None: the user signs in with one step.");
    // The button that had the focus is gone with its row.
    expect(await page.evaluate("document.activeElement.tagName")).toBe("DIV");
    expect((await caller.call("get_user", {}, asUser(user))).status).toBe(401);
  });

  test("names the user who added an address, never verified it, and removed it", async () => {
    const [address, added] = ["adder@example.com", "never.verified@example.com"];
    const user = await caller.signIn(address);
    const asked = { client_id: caller.clients.native, identifier_type: "email", identifier_value: added };
    const sent = await caller.call("send_verification", asked, asUser(user));
    const { identifier_id } = sent.body;
    expect((await caller.call("remove_identifier", { identifier_id }, asUser(user))).status).toBe(200);
    const page = await openConsole(suite, caller, { width: 390 });
    await page.getByLabel("Email address, phone number or user id").fill(added);
    await press(page, "Find");
    await shows(page, "added the address and requested a message to verify it");
    await page.getByRole("link", { name: address }).click();
    await page.getByRole("heading", { name: address }).waitFor();
    await shows(page, added);
  });

  test("tells who disabled a user and why they were signed out, by action and outcome, page by page", async () => {
    const address = "audrey@example.com";
    const { user_id } = await caller.signIn(address);
    await caller.signInWith(address, "not the password");
    for (let change = 0; change < 11; change++)
      await caller.call("update_user", { user_id, name: `Audrey ${change}` }, caller.internal);
    const page = await openConsole(suite, caller, { address: "boss@example.com" });
    await openUser(page, address);
    await press(page, "Disable user");
    await page.getByRole("dialog").getByRole("button", { name: "Disable user" }).click();
    await page.getByRole("button", { name: "Make active" }).waitFor();
    await suite.stack.ask("POST", "/dev/jobs/move_events");
    await press(page, "Refresh the audit trail");
    const trail = page.getByRole("list", { name: "Audit trail" });
    await trail.getByText("Session ended: the user was disabled").waitFor();
    await trail.getByRole("link", { name: "boss@example.com" }).first().waitFor();
    await inspectBoth(page, "console_audit");

    await page.getByLabel("What happened").selectOption({ label: "User changed" });
    await expect.poll(() => trail.getByText("User changed: name").count()).toBe(10);
    await trail.getByText("By a program with the internal key").first().waitFor();
    await press(page, "Show more");
    await expect.poll(() => trail.getByText("User changed: name").count()).toBe(11);

    await page.getByLabel("What happened").selectOption({ label: "Everything" });
    await page.getByLabel("Outcome").selectOption({ label: "Refused" });
    await expect.poll(() => trail.getByRole("listitem").count()).toBe(1);
    await trail.getByText("Details").click();
    await trail.getByText("invalid_credentials").waitFor();
    await shows(page, "By somebody who was not signed in");

    await page.getByLabel("What happened").selectOption({ label: "User disabled" });
    await shows(page, "Nothing of this kind is recorded.");
    await page.getByLabel("Outcome").selectOption({ label: "All" });
    await trail.getByRole("link", { name: "boss@example.com" }).click();
    await page.getByRole("heading", { name: "boss@example.com" }).waitFor();
  });

  test("shows no audit trail without the capability, and names it", async () => {
    const role = { scope: "platform", key: "reader", name: "Reader", level: 0, capabilities: ["users.read"] };
    expect(await caller.call("set_role", role, caller.internal)).toMatchObject({ status: 200 });
    await caller.signIn("seen@example.com");
    await userWithRoles(caller, "reader@example.com", ["reader"]);
    const page = await suite.open("/console");
    await signInToConsole(page, caller, "reader@example.com");
    await page.getByRole("heading", { name: "Users" }).waitFor();
    await openUser(page, "seen@example.com");
    await shows(page, "You need the capability audit.read to see this.");
  });

  test("asks for a fresh sign-in where Nest requires one, and then ends the session", async () => {
    const address = "fresh@example.com";
    const page = await openConsole(suite, caller, { address });
    suite.stack.pass(700);
    await openUser(page, address);
    await page.getByRole("button", { name: /^End the session of/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
    await shows(page, "You signed in a while ago. Sign in again to do this.");
    await press(page, `Send a link to ${address}`);
    await shows(page, `A link was sent to ${address}.`);
    const tab = await page.context().newPage();
    await tab.goto(consoleLinkTo(caller, address));
    await tab.getByRole("heading", { name: "Users" }).waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
    await shows(page, "Done: End session");
  });

  test("loads a script of a limited size, which names no path of the API but through the typed client", async () => {
    const script = await consoleScript();
    expect(gzipSync(script).length).toBeLessThan(SCRIPT_LIMIT);
    expect(script.match(/\bfetch\(/g)?.length).toBe(1);
    expect(script).not.toMatch(/XMLHttpRequest|WebSocket|EventSource|sendBeacon|innerHTML\s*=\s*`/);
  });
});
