import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asUser, callerOf, type StackCaller } from "#tests/support/black_box.ts";
import { browserSuite, hasBrowser, inspect } from "#tests/support/browser.ts";
import { digitsIn } from "#tests/support/codes.ts";
import { signInToConsole, userWithRoles } from "#tests/support/console.ts";
import { startReceiver } from "#tests/support/webhooks.ts";

const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1";
const PASSWORD = "purple lamp under seven rivers 8";
const ADA = "ada@example.com";
const WORK = "ada.lovelace@work.example";

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
    await tellOfOthers();
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
  const shows = (title: string, ...texts: (string | RegExp)[]) =>
    Promise.all(texts.map((text) => card(title).getByText(text).first().waitFor()));

  /** Ada bought twice, has two addresses, was an agent for a while, and was disabled for a while. */
  async function tellOfAda() {
    const { stack } = suite;
    const first = await api.signIn(ADA);
    const { user_id } = first;
    const client_id = api.clients.native;
    const added = { client_id, identifier_type: "email", identifier_value: WORK };
    const { body } = await api.call("send_verification", added, asUser(first));
    const code = digitsIn(api.mailTo(WORK).text.replace(/https?:\S+/g, ""));
    await api.call("verify_identifier", { client_id, nonce: body.nonce, code });
    for (const turn of [1, 2]) {
      stack.stripe.createSubscription({ email: ADA });
      await stack.stripe.settled();
      stack.pass(turn);
    }
    for (const roles of [["support"], []]) await api.call("set_user_roles", { user_id, roles }, asUser(boss));
    receiver.answers.push(500);
    for (const status of ["disabled", "active"])
      await api.call("update_user", { user_id, status }, asUser(boss));
    await stack.ask("POST", "/dev/jobs/move_events");
    await stack.ask("POST", "/dev/jobs/deliver_webhooks");
    stack.pass(8);
    await stack.ask("POST", "/dev/jobs/deliver_webhooks");
    const asked = { client_id, identifier_type: "email", identifier_value: ADA };
    const sent = await api.call("send_otp", asked);
    const presented = { client_id, grant_type: "otp", nonce: sent.body.nonce };
    const digits = digitsIn(api.mailTo(ADA).text.replace(/https?:\S+/g, ""));
    const phone = await api.call(
      "authenticate_user",
      { ...presented, code: digits },
      { "user-agent": IPHONE },
    );
    expect(phone.status).toBe(200);
  }

  /** Carol's password is locked, Dan was deleted, and the mail to Bob, who registered, was returned. */
  async function tellOfOthers() {
    const carol = await api.signIn("carol@example.com");
    await api.call("set_password", { password: PASSWORD }, asUser(carol));
    const passwords = suite.stack.database.collection("passwords");
    await passwords.updateOne({ userId: carol.user_id }, { $set: { failedCount: 100 } });
    await api.signInWith("carol@example.com", PASSWORD);
    const dan = await api.signIn("dan@example.com");
    await api.call("delete_user", { user_id: dan.user_id }, asUser(boss));
    const bob = {
      client_id: api.clients.native,
      identifier_type: "email",
      identifier_value: "bob@example.com",
    };
    await api.call("register_user", { ...bob, password: PASSWORD });
    await suite.stack.ask("POST", "/dev/mail/returned", { to: "bob@example.com", kind: "bounce" });
  }

  test("about a user: the sign-out, the refund, who did what, the subscription, sessions, roles and addresses", async () => {
    await open("admin");
    await openUser(ADA);
    // 1. Why was she signed out? 3. Who disabled her?
    await shows("Sign-ins, links and codes", "The session was revoked: the user was disabled");
    const disabled = card("Audit trail").getByRole("listitem").filter({ hasText: "User disabled" });
    await disabled.getByRole("link", { name: "boss@example.com" }).waitFor();
    await shows("Audit trail", "User changed: made active");
    // 2. Where is her refund? 4. When does her subscription end, and what does it cost?
    await shows("Subscriptions", "Duplicate, refunded", "£4.99 each month", "Renews on");
    await shows("Subscriptions", /^Refund of £4.99 as a duplicate: done on/);
    await shows("Payments and refunds", "Refunded as a duplicate: £4.99");
    // 5. Where is she signed in?
    await shows("Sessions", "Safari on iPhone", /with a code, last used/);
    // 6. Which roles has she, and who changed them?
    await shows("Audit trail", "Roles changed: got support", "Roles changed: lost support");
    // 9. What addresses has she?
    await shows("Addresses and numbers", ADA, "Primary", WORK, "Verified");
    await inspect(page, "support_ada");
  });

  test("about people who can't sign in: a locked, a deleted and an unconfirmed one, and a webhook", async () => {
    await open("admin");
    // 7. Why can't Carol sign in?
    await openUser("carol@example.com");
    await page
      .getByText(/^The password is locked after 100 wrong ones, until the user sets a new one/)
      .waitFor();
    await shows("Sign-ins, links and codes", /^A sign-in failed: the password is locked/);
    await inspect(page, "support_carol");
    // 10. What became of Dan and Bob?
    await page.getByRole("link", { name: "All users" }).click();
    await find("dan@example.com");
    await card("Deleted users").getByRole("link", { name: "dan@example.com" }).click();
    await page.getByText(/^The user was deleted; a sign-in creates another user/).waitFor();
    const deleted = card("Audit trail").getByRole("listitem").filter({ hasText: "User deleted" });
    await deleted.getByRole("link", { name: "boss@example.com" }).waitFor();
    await inspect(page, "support_dan");
    await page.getByRole("link", { name: "All users" }).click();
    await find("bob@example.com");
    await shows("Sent to this address", "Requested a message to sign up", /^A mail was returned: bounce/);
    await shows("Sent to this address", /Nobody has confirmed it with these messages/);
    await inspect(page, "support_bob");
    // 8. Did the webhook about Ada arrive?
    await page.getByRole("link", { name: "Webhooks" }).click();
    await page.getByRole("link", { name: receiver.url }).click();
    const delivery = page.getByRole("list", { name: "Deliveries" }).getByRole("listitem");
    await delivery.getByText("Arrived after 1 failed attempt").waitFor();
    await delivery.getByRole("link", { name: ADA }).waitFor();
    await delivery.getByText("Attempts: 2").click();
    await delivery.getByText(/^The receiver answered 500, after/).waitFor();
    await inspect(page, "support_webhook");
  });

  test("and says what the role support lacks", async () => {
    await open("support");
    await page.goto(`${suite.stack.api.url}/console#/webhooks`);
    await page.getByText("You need the capability webhooks.manage to see this.").waitFor();
  });
});
