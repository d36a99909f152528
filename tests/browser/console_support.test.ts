import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asUser, callerOf, type StackCaller } from "#tests/support/black_box.ts";
import { browserSuite, hasBrowser, inspect } from "#tests/support/browser.ts";
import { digitsIn } from "#tests/support/codes.ts";
import { signInToConsole, userWithRoles } from "#tests/support/console.ts";
import { startReceiver } from "#tests/support/webhooks.ts";

const FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";
const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1";
const PASSWORD = "purple lamp under seven rivers 8";
const ADA = "ada@example.com";
const WORK = "ada.lovelace@work.example";
const NEXT = "ada.next@work.example";
const OLD = "ada.old@work.example";
const desk = { scope: "platform", key: "night_desk", name: "Night desk", level: 10 } as const;

// The stack must know the host before it starts.
const receiver = await startReceiver();
afterAll(() => receiver[Symbol.asyncDispose]());

/** Ten questions that users and colleagues ask, each answered by what a support person sees. */
describe.skipIf(!hasBrowser)("the console answers without its documentation", () => {
  const settings = { LIMIT_CODES_PER_IDENTIFIER: "0", WEBHOOK_ALLOW_HOSTS: receiver.host };
  const suite = browserSuite({ settings });
  let api: StackCaller;
  let page: Page;
  let boss: { user_id: string; access_token: string };

  beforeAll(async () => {
    api = await callerOf(suite.stack);
    boss = await userWithRoles(api, "boss@example.com", ["admin"]);
    const webhook = { url: receiver.url, events: ["user.disabled"], description: "CRM" };
    expect((await api.call("create_webhook", webhook, asUser(boss))).status).toBe(200);
    await tellOfAda();
    await Promise.all([tellOfOthers(), tellOfFay()]);
    await suite.stack.ask("POST", "/dev/jobs/move_events");
  });

  const open = async (role: "admin" | "support") => {
    const address = `${role}.desk@example.com`;
    await userWithRoles(api, address, [role]);
    page = await suite.open("/console");
    page.setDefaultTimeout(8_000);
    await signInToConsole(page, api, address);
    await page.getByRole("heading", { name: "Users" }).waitFor();
  };
  const find = async (address: string) => {
    await page.getByLabel("Email address, phone number or user id").fill(address);
    await page.getByRole("button", { name: "Find", exact: true }).click();
  };
  const openUser = async (address: string) => {
    await find(address);
    await page.getByRole("link", { name: address }).click();
    await page.getByRole("heading", { name: address }).waitFor();
  };
  /** The part of the page with this title. */
  const card = (title: string) => page.getByRole("region", { name: title });
  /** The row of the audit trail with these words. */
  const row = (hasText: string) => card("Audit trail").getByRole("listitem").filter({ hasText });
  /** Inspects the page; with pictures also in dark. */
  const look = async (name: string) => {
    await inspect(page, name);
    if (!process.env.SCREENSHOT_DIR) return;
    await page.emulateMedia({ colorScheme: "dark" });
    await inspect(page, `${name}_dark`);
    await page.emulateMedia({ colorScheme: "light" });
  };
  const shows = (title: string, ...texts: (string | RegExp)[]) =>
    Promise.all(texts.map((text) => card(title).getByText(text).first().waitFor()));

  /** Ada bought twice, has two addresses, was an agent for a while, and was disabled for a while. */
  async function tellOfAda() {
    const { stack } = suite;
    const first = await api.signIn(ADA);
    const { user_id } = first;
    const client_id = api.clients.native;
    const sent = await Promise.all([WORK, OLD, NEXT].map((address) => add(first, address)));
    const code = codeTo(WORK);
    await api.call("verify_identifier", { client_id, nonce: sent[0]?.nonce, code });
    await api.call("remove_identifier", { identifier_id: sent[1]?.identifier_id }, asUser(first));
    for (const turn of [1, 2]) {
      stack.stripe.createSubscription({ email: ADA });
      await stack.stripe.settled();
      stack.pass(turn);
    }
    await api.call("set_role", { ...desk, capabilities: [] }, asUser(boss));
    for (const roles of [["support", desk.key], []])
      await api.call("set_user_roles", { user_id, roles }, asUser(boss));
    receiver.answers.push(500);
    for (const status of ["disabled", "active"]) {
      await api.call("update_user", { user_id, status }, asUser(boss));
      stack.pass(2);
    }
    await stack.ask("POST", "/dev/jobs/move_events");
    await stack.ask("POST", "/dev/jobs/deliver_webhooks");
    stack.pass(8);
    await stack.ask("POST", "/dev/jobs/deliver_webhooks");
    const phone = await redeem(ADA, await sendCode(ADA), IPHONE);
    expect(phone.status).toBe(200);
    const again = await redeem(ADA, await sendCode(ADA), FIREFOX);
    await api.call("revoke_session", { user_id, session_id: await newestSession(user_id) }, asUser(boss));
    expect(again.status).toBe(200);
  }

  const codeTo = (address: string) => digitsIn(api.mailTo(address).text.replace(/https?:\S+/g, ""));
  const identified = (identifier_value: string) => ({
    ...{ client_id: api.clients.native, identifier_type: "email", identifier_value },
  });
  const add = async (person: { access_token: string }, address: string) =>
    (await api.call("send_verification", identified(address), asUser(person))).body;
  const sendCode = async (address: string) =>
    String((await api.call("send_otp", identified(address))).body.nonce);
  const redeem = (address: string, nonce: string, agent: string) =>
    api.call(
      "authenticate_user",
      { client_id: api.clients.native, grant_type: "otp", nonce, code: codeTo(address) },
      { "user-agent": agent },
    );
  const newestSession = async (user_id: string): Promise<string> =>
    (await api.call("list_sessions", { user_id }, asUser(boss))).body.items[0].id;

  /** Fay was disabled, and then typed a right code that she still got by mail. */
  async function tellOfFay() {
    const { user_id } = await api.signIn("fay@example.com");
    await api.call("update_user", { user_id, status: "disabled" }, asUser(boss));
    suite.stack.pass(3);
    const refused = await redeem("fay@example.com", await sendCode("fay@example.com"), IPHONE);
    expect([refused.status, refused.body.code]).toEqual([404, "verification_not_found"]);
  }

  /** Carol's password is locked, Dan was deleted and came back, and the mail to Bob, who registered, was returned. */
  async function tellOfOthers() {
    const carol = await api.signIn("carol@example.com");
    await api.call("set_password", { password: PASSWORD }, asUser(carol));
    const passwords = suite.stack.database.collection("passwords");
    await passwords.updateOne({ userId: carol.user_id }, { $set: { failedCount: 100 } });
    await api.signInWith("carol@example.com", PASSWORD);
    const dan = await api.signIn("dan@example.com");
    await api.call("delete_user", { user_id: dan.user_id }, asUser(boss));
    await api.signIn("dan@example.com");
    const bob = {
      client_id: api.clients.native,
      identifier_type: "email",
      identifier_value: "bob@example.com",
    };
    await api.call("register_user", { ...bob, password: PASSWORD });
    await suite.stack.ask("POST", "/dev/mail/returned", { to: "bob@example.com", kind: "bounce" });
  }

  test("about users, their sign-ins, money, addresses and roles, and about a webhook", async () => {
    await open("admin");
    await askAboutAda();
    await page.getByRole("link", { name: "All users" }).click();
    await askAboutOthers();
    await askAboutWebhook();
  });

  async function askAboutAda() {
    // 9. She is found by an address that she has not proved yet.
    await find(NEXT);
    await page.getByText(`also ${NEXT}, an address that the user added and has not verified yet`).waitFor();
    await page.getByRole("link", { name: ADA }).click();
    await page.getByRole("heading", { name: ADA }).waitFor();
    // 1. Why was she signed out, where, and by whom? 3. Who disabled her?
    await shows("Sign-ins, links and codes", "The session was revoked: the user was disabled");
    const ended = card("Sign-ins, links and codes").getByRole("listitem").filter({ hasText: "ended it" });
    await ended.getByText("Firefox on Windows").waitFor();
    await ended.getByText("The session was revoked: an administrator ended it").waitFor();
    await row("User disabled").getByRole("link", { name: "boss@example.com" }).waitFor();
    await shows("Audit trail", "User changed: made active");
    // 2. Where is her refund? 4. When does her subscription end, and what does it cost?
    await shows("Subscriptions", "Duplicate, refunded", "£4.99 each month", "Renews on");
    await shows(
      "Subscriptions",
      /^Refund of £4.99 as a duplicate: done on/,
      /^Beak, bought on|^beak, bought on/,
    );
    await shows("Subscriptions", /duplicate was sent on/);
    await shows("Payments and refunds", "Refunded as a duplicate: £4.99");
    // 5. Where is she signed in?
    await shows(
      "Sessions",
      "Safari on iPhone",
      /with a code, last used .*:\d\d:\d\d UTC.* with Sample: installed/,
    );
    // 6. Which roles has she, and who changed them?
    await shows("Audit trail", "Roles changed: got Night desk (night_desk), support");
    await page.getByLabel("Who did it").selectOption({ label: "boss@example.com" });
    await expect.poll(() => row("Signed in").count()).toBe(0);
    await row("Roles changed: lost").waitFor();
    await page.getByLabel("Who did it").selectOption({ label: "This user" });
    // 9. What addresses has she, and had she?
    await row(`Address or number removed: ${OLD}`).getByText("By this user").waitFor();
    await shows(
      "Addresses and numbers",
      ADA,
      "Primary",
      WORK,
      "Verified",
      NEXT,
      "Not verified yet",
      OLD,
      "Removed",
    );
    await look("support_ada");
  }

  async function askAboutOthers() {
    // 3. Why can't Fay sign in? The app told her that the code was wrong.
    await openUser("fay@example.com");
    await page.getByText(/^The user is disabled: no password, link or code signs the user in/).waitFor();
    await shows("Sign-ins, links and codes", /^A sign-in failed: the user was disabled/);
    await shows(
      "Sign-ins, links and codes",
      /; it was sent, but signs nobody in, because the user is disabled$/,
    );
    await row("Sign-in refused: the user was disabled").waitFor();
    expect(await page.getByText(/wrong/).count()).toBe(0);
    await look("support_fay");
    // 7. Why can't Carol sign in?
    await page.getByRole("link", { name: "All users" }).click();
    await openUser("carol@example.com");
    await page
      .getByText(/^The password is locked after 100 wrong ones, until the user sets a new one/)
      .waitFor();
    await page.getByText("Active, password locked", { exact: true }).waitFor();
    await page.getByText("Locked: links, codes, passkeys and linked accounts still work").waitFor();
    await shows("Sign-ins, links and codes", /^A sign-in failed: the password is locked/);
    // 10. What became of Dan, who has another user now, and of Bob?
    await page.getByRole("link", { name: "All users" }).click();
    await find("dan@example.com");
    const users = page.getByRole("list", { name: "Users", exact: true }).getByRole("listitem");
    await expect.poll(() => users.allTextContents()).toEqual([expect.stringMatching(/^dan@.*Active$/)]);
    await shows("Deleted users", /^Created .*, deleted /);
    await card("Deleted users").getByRole("link", { name: "dan@example.com" }).click();
    await page.getByText(/^The user was deleted; a sign-in creates another user/).waitFor();
    await page.getByRole("heading", { name: "dan@example.com" }).waitFor();
    for (const name of ["Created", "Deleted"]) await page.getByText(name, { exact: true }).first().waitFor();
    await row("User deleted").getByRole("link", { name: "boss@example.com" }).waitFor();
    await look("support_dan");
    await page.getByRole("link", { name: "All users" }).click();
    await find("bob@example.com");
    await shows("Sent to this address", "Requested a message to sign up", /^A mail was returned: bounce/);
    await shows("Sent to this address", /Nobody has confirmed it with these messages/);
  }

  async function askAboutWebhook() {
    // 8. Did the webhook about Ada arrive, and when?
    await page.getByRole("link", { name: "Webhooks" }).click();
    await page.getByRole("link", { name: receiver.url }).click();
    const delivery = page.getByRole("list", { name: "Deliveries" }).getByRole("listitem");
    await expect.poll(() => delivery.count()).toBe(2);
    await page.getByLabel("About the user with this address, number or id").fill(ADA);
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await expect.poll(() => delivery.count()).toBe(1);
    await delivery.getByText("Arrived after 1 failed attempt").waitFor();
    await delivery.getByText(/^Event of .*:\d\d:\d\d UTC, last tried at .*:\d\d:\d\d UTC/).waitFor();
    await delivery.getByRole("link", { name: ADA }).waitFor();
    await delivery.getByText("Attempts: 2").click();
    await delivery.getByText(/^The receiver answered 500, after/).waitFor();
    await look("support_webhook");
  }

  test("and says what the role support lacks", async () => {
    await open("support");
    await page.goto(`${suite.stack.api.url}/console#/webhooks`);
    await page.getByText("You need the capability webhooks.manage to see this.").waitFor();
  });
});
