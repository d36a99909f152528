import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digitsIn, redeemCode, sentCode } from "#tests/support/codes.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { as, newOwner } from "#tests/support/members.ts";
import {
  BUSY_MACHINE,
  type CallOptions,
  linkIn,
  MAC,
  type Reply,
  SIMPLE,
  startNest,
  type TestNest,
} from "#tests/support/nest.ts";
import { P1, P2, register, registerFirst, resetPassword, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { giveRole } from "#tests/support/roles.ts";

const INTERNAL: CallOptions = { internal: true };

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({
    slowdown: BUSY_MACHINE,
    environment: { LIMIT_REGISTRATIONS_PER_NETWORK: "0", LIMIT_FAILURES_PER_NETWORK: "0" },
  });
});
afterAll(() => nest.stop());

let people = 0;
const newAddress = () => `created-${++people}@example.com`;
const create = (address: string, change: object = {}, options = INTERNAL): Promise<Reply> =>
  nest.call(
    `${V3}create_user`,
    { client_id: SIMPLE, identifier_type: "email", identifier_value: address, ...change },
    options,
  );
const codeOf = ({ status, body }: Reply) => [status, body.code];
const tokenIn = (address: string) => linkIn(nest.lastMail(address)).searchParams.get("token") ?? "";
const getUser = (user_id: string) => nest.call(`${V3}get_user`, { user_id }, INTERNAL);

describe("create_user", () => {
  test("creates a user without a password, who chooses one by the link of the mail and keeps what was set", async () => {
    await giveRole(nest, { key: "desk" });
    const address = newAddress();
    const set = { name: "Ada", metadata: { team: "blue" }, roles: ["desk"] };
    const { status, body } = await create(address.replace("example", "EXAMPLE"), set);
    expect([status, body.user]).toMatchObject([
      200,
      { email: address, status: "active", name: "Ada", metadata: { team: "blue" }, roles: ["desk", "user"] },
    ]);
    expect((await getUser(body.user.id)).body).toMatchObject({ has_password: false });
    expect(codeOf(await signInWith(nest, address))).toEqual([401, "invalid_credentials"]);
    nest.clock.advance(23 * 3600);
    expect((await resetPassword(nest, { token: tokenIn(address), password: P2 })).status).toBe(200);
    expect((await signInWith(nest, address, P2)).body.user_id).toBe(body.user.id);
    const [identifier] = (await getUser(body.user.id)).body.identifiers;
    expect(identifier.verified_at).not.toBeNull();
    expect((await getUser(body.user.id)).body).toMatchObject({ name: "Ada", roles: ["desk", "user"] });
  });

  test("records who created the user", async () => {
    const { body } = await create(newAddress(), { roles: ["support"] });
    const rows = (await nest.moveEvents()).filter(({ userId }) => userId === body.user.id);
    expect(rows.map(({ action, actor }) => [action, actor.type]).sort()).toEqual(
      ["identifier.added", "password.reset_requested", "user.created", "user.roles_changed"].map((action) => [
        action,
        "internal",
      ]),
    );
  });

  test.each([
    [{}, MAC, null],
    [{ send_email: true }, MAC, "none"],
    [{ verify_email: true }, MAC, "verify_identifier"],
    [{ send_reset_email: false }, SIMPLE, null],
    [{ send_email: true, verify_email: true }, SIMPLE, "reset_password"],
  ])("with the options %j of %s, sends one mail at most: %s", async (options, client_id, flow) => {
    const address = newAddress();
    const before = nest.ses.inbox.length;
    await create(address, { client_id, options });
    const mails = nest.ses.inbox.slice(before);
    expect(mails).toHaveLength(flow === null ? 0 : 1);
    const [link] = mails.flatMap(({ text }) => text.match(/https:\S+flow=\w+/g) ?? []);
    if (flow !== null)
      expect(link === undefined ? "none" : new URL(link).searchParams.get("flow")).toBe(flow);
  });

  test("verifies the address by the link of verify_email", async () => {
    const address = newAddress();
    const { body } = await create(address, { client_id: MAC, options: { verify_email: true } });
    const proof = { client_id: MAC, token: tokenIn(address) };
    expect((await nest.call(`${V3}verify_identifier`, proof)).body.identifier.verified_at).not.toBeNull();
    expect((await getUser(body.user.id)).body.email).toBe(address);
  });

  test("creates a user with a phone number and sends nothing", async () => {
    const number = { identifier_type: "phone", identifier_value: "+65 9123 4000" };
    expect((await create("", number)).body.user).toMatchObject({ email: null, status: "active" });
  });

  test("refuses a password, an unknown role and page, and internal callers without a client", async () => {
    const replies = [
      await create(newAddress(), { password: P1 }),
      await create(newAddress(), { client_id: undefined }),
      await create(newAddress(), { redirect_uri: "https://evil.example.com/" }),
      await create(newAddress(), { roles: ["nothing"] }),
    ];
    expect(replies.map(codeOf)).toEqual([
      [400, "validation_failed"],
      [400, "validation_failed"],
      [400, "invalid_redirect_uri"],
      [404, "role_not_found"],
    ]);
  });

  test("lets a writer of users give only roles that their own allow, and claims nothing otherwise", async () => {
    const writer = await nest.signIn("writer@example.com");
    await giveRole(nest, { key: "writer", user_id: writer.user_id, capabilities: ["users.write"] });
    const as = { bearer: writer.access_token };
    const address = newAddress();
    const asked = { client_id: undefined, roles: ["admin"] };
    expect(codeOf(await create(address, asked, as))).toEqual([403, "capability_escalation"]);
    expect((await create(address, { client_id: undefined, roles: ["writer"] }, as)).status).toBe(200);
    const stranger = { bearer: (await nest.signIn("stranger@example.com")).access_token };
    expect(codeOf(await create(newAddress(), {}, stranger))).toEqual([403, "access_denied"]);
  });

  test("with account_id, makes the user a member of the account, who stays when the address is proved", async () => {
    const owner = await newOwner(nest);
    const address = newAddress();
    const { body } = await create(address, { account_id: owner.account_id });
    const user_id = body.user.id;
    const inAccount = { account_id: owner.account_id, role: 50, role_key: "member" };
    expect((await getUser(user_id)).body).toMatchObject(inAccount);
    expect((await resetPassword(nest, { token: tokenIn(address), password: P2 })).status).toBe(200);
    const { body: tokens } = await signInWith(nest, address, P2);
    expect((await as(nest, tokens, "get_user")).body).toMatchObject(inAccount);
    const { items } = (await as(nest, tokens, "list_accounts")).body;
    const own = user_id.replace("user_", "account_");
    expect(items.map(({ id }: { id: string }) => id).sort()).toEqual([owner.account_id, own].sort());
    const rows = (await nest.moveEvents()).filter(({ userId }) => userId === user_id);
    expect(rows.filter(({ action }) => action === "account.user_added")).toMatchObject([
      { actor: { type: "internal" }, target: { id: owner.account_id }, data: { role: "member" } },
    ]);
  });

  test("claims no address for an account that does not exist, or has no member", async () => {
    const address = newAddress();
    const empty = { _id: "account_empty" as never, name: null, createdAt: "2026-01-01T00:00:00.000Z" };
    await nest.collection("accounts").insertOne({ ...empty, updatedAt: null, deletedAt: null });
    for (const account_id of ["account_nothing", "account_empty"])
      expect(codeOf(await create(address, { account_id }))).toEqual([404, "account_not_found"]);
    expect((await create(address)).status).toBe(200);
  });

  test("gives an address to one of 50 calls at once", async () => {
    const address = newAddress();
    const replies = await atOnce(() => create(address, { roles: ["support"] }), 50);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 409]));
    expect(await nest.collection("identifiers").countDocuments({ identifierValue: address })).toBe(1);
    expect(codeOf(await create(address))).toEqual([409, "identifier_taken"]);
  });

  test("goes on where a call stopped, and lets nobody else do so", async () => {
    const address = newAddress();
    const { body } = await create(address, { name: "Ada" });
    const startedAt = nest.clock.now().toISOString();
    const stopped = { $set: { registration: { startedAt } } };
    await nest.collection("identifiers").updateOne({ identifierValue: address }, stopped);
    await nest.collection("users").deleteOne({ _id: body.user.id });
    expect(codeOf(await create(address, { name: "Ada" }))).toEqual([409, "identifier_taken"]);
    nest.clock.advance(6);
    expect(codeOf(await register(nest, { identifier_value: address }))).toEqual([409, "identifier_taken"]);
    expect((await create(address, { name: "Ada" })).body.user).toMatchObject({
      id: body.user.id,
      name: "Ada",
    });
  });

  test("goes on after a mail that could not be sent, with or without another", async () => {
    const address = newAddress();
    nest.ses.fault({ calls: 2, kind: "error" });
    expect(codeOf(await create(address))).toEqual([502, "delivery_failed"]);
    expect(codeOf(await create(address))).toEqual([502, "delivery_failed"]);
    expect((await create(address)).body.user.email).toBe(address);
    expect(tokenIn(address)).toHaveLength(64);
    expect(codeOf(await create(address))).toEqual([409, "identifier_taken"]);
  });

  test("drops what a stranger set for the user before the owner proves the address", async () => {
    const address = newAddress();
    const { body } = await create(address, { name: "Ada", roles: ["support"] });
    const user_id = body.user.id;
    const stranger = { client_id: MAC, user_id, device: { device_id: "stranger" } };
    const { body: stolen } = await nest.call(`${V3}issue_token`, stranger, INTERNAL);
    const owner = await redeemCode(
      nest,
      await sentCode(nest, { identifier_type: "email", identifier_value: address }),
    );
    expect(owner.body.user_id).toBe(user_id);
    const bearer = (token: string) => ({ bearer: token });
    expect((await nest.call(`${V3}get_user`, {}, bearer(stolen.access_token))).status).toBe(401);
    expect((await nest.call(`${V3}get_user`, {}, bearer(owner.body.access_token))).body).toMatchObject({
      ...{ name: "Ada", roles: ["support", "user"] },
    });
  });

  test("lets the owner register first by a code, and keeps the user", async () => {
    const address = newAddress();
    const { body } = await create(address, { roles: ["support"] });
    const begun = await registerFirst(nest, { identifier_value: address, password: P1 });
    const code = digitsIn(nest.lastMail(address).text);
    const { nonce } = begun.body.verification;
    const { body: tokens } = await redeemCode(nest, { nonce, code }, { client_id: "client_sample_native" });
    expect(tokens.user_id).toBe(body.user.id);
    expect((await signInWith(nest, address)).status).toBe(200);
  });
});
