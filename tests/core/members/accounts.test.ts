import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redeemCode, sentCode } from "#tests/support/codes.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { addUser, as, newAddress, newMember, newOwner, type Owner } from "#tests/support/members.ts";
import {
  BUSY_MACHINE,
  exchange,
  linkIn,
  NATIVE,
  type Reply,
  startNest,
  type TestNest,
  type Tokens,
} from "#tests/support/nest.ts";
import { P1, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
let owner: Owner;
beforeAll(async () => {
  const environment = { LIMIT_ADDED_USERS_PER_ACCOUNT: "0" };
  nest = await startNest({ slowdown: BUSY_MACHINE, environment });
  owner = await newOwner(nest);
});
afterAll(() => nest.stop());

const codeOf = ({ status, body }: Reply) => [status, body.code];
/** Invites an address to the account of a person. @returns the token in the mail */
async function invite(from: Owner, address: string, change: object = {}): Promise<string> {
  const invited = { identifier_value: address, password: undefined, account_id: from.account_id, ...change };
  const { status, raw, body } = await addUser(nest, from, invited);
  const { account_id } = body;
  expect([status, raw]).toEqual([200, JSON.stringify({ account_id, user_id: null, status: "invited" })]);
  return linkIn(nest.lastMail(address)).searchParams.get("token") ?? "";
}
const accept = (person: Owner, token: string): Promise<Reply> =>
  as(nest, person, "accept_account_invite", { client_id: NATIVE, token });
const setRole = (from: Owner, user_id: string, role_key: string) =>
  as(nest, from, "set_account_user_role", { account_id: from.account_id, user_id, role_key });
const unknown = [404, "verification_not_found"];

describe("accounts", () => {
  test("are listed, created, renamed and read by their members, with the role of each", async () => {
    const person = await newOwner(nest);
    const created = await as(nest, person, "create_account", { name: "Acme" });
    const { account } = created.body;
    expect(account).toMatchObject({ name: "Acme", role: 100, role_key: "owner" });
    const { items } = (await as(nest, person, "list_accounts")).body;
    expect(items.map(({ id }: { id: string }) => id)).toEqual([person.account_id, account.id]);
    const named = { account_id: account.id, name: "Beta" };
    expect((await as(nest, person, "update_account", named)).body.account.name).toBe("Beta");
    expect((await as(nest, person, "update_account", named)).body.account.name).toBe("Beta");
    expect((await as(nest, person, "get_account", { account_id: account.id })).body.account.name).toBe(
      "Beta",
    );
    expect((await as(nest, person, "get_user", { account_id: account.id })).body.account_id).toBe(account.id);
    for (const method of ["get_account", "update_account"])
      for (const account_id of [account.id, "account_nothing"]) {
        const body = { account_id, ...(method === "update_account" && { name: "x" }) };
        expect(codeOf(await as(nest, owner, method, body))).toEqual([404, "account_not_found"]);
      }
    const rows = (await nest.moveEvents()).filter(({ target }) => target.id === account.id);
    expect(rows.map(({ action, data }) => [action, data])).toEqual([
      ["account.created", {}],
      ["account.updated", { fields: "name" }],
    ]);
  });
});

describe("an invitation", () => {
  test("makes the owner of the address a member, once, and names the inviting person", async () => {
    const person = await newOwner(nest);
    const token = await invite(owner, person.address, { role_key: "admin" });
    expect(nest.lastMail(person.address).text).toContain(`${owner.address} invites you`);
    const other = await newOwner(nest);
    expect(codeOf(await accept(other, token))).toEqual(unknown);
    const accepted = await accept(person, token);
    expect([accepted.status, accepted.body]).toEqual([200, { account_id: owner.account_id }]);
    expect(codeOf(await accept(person, token))).toEqual(unknown);
    const { body } = await as(nest, person, "get_account", { account_id: owner.account_id });
    expect(body.account).toMatchObject({ role: 80, role_key: "admin" });
    // The account of their own stays the one in which they act.
    expect((await as(nest, person, "get_user")).body.account_id).toBe(person.account_id);
  });

  test("needs a proved address, expires after 7 days and is replaced by another one of the account only", async () => {
    const stranger = await newOwner(nest, { isVerified: false });
    const claimed = await invite(owner, stranger.address);
    expect(codeOf(await accept(stranger, claimed))).toEqual(unknown);
    const person = await newOwner(nest);
    const [first, ofOther] = [
      await invite(owner, person.address),
      await invite(await newOwner(nest), person.address),
    ];
    const second = await invite(owner, person.address);
    expect(codeOf(await accept(person, first))).toEqual(unknown);
    expect((await accept(person, ofOther)).status).toBe(200);
    const stored = { purpose: "invite", identifierValue: person.address, usedAt: null, revokedAt: null };
    const open = await nest.collection("verifications").findOne(stored);
    expect(Date.parse(String(open?.expiresAt)) - Date.parse(String(open?.createdAt))).toBe(7 * 86_400_000);
    expect((await accept(person, second)).status).toBe(200);
  });

  test("ends when its person is removed, whichever of their addresses it went to and when they add the address", async () => {
    const head = await newOwner(nest);
    const person = await newOwner(nest);
    const [other, later] = [newAddress("other"), newAddress("later")];
    const addAddress = (identifier_value: string) =>
      nest.collection("identifiers").insertOne({
        ...{
          _id: `ident_${identifier_value}` as never,
          userId: person.user_id,
          identifierValue: identifier_value,
        },
        ...{ identifierType: "email", createdAt: head.address, verifiedAt: "2026-01-01", removedAt: null },
      });
    await addAddress(other);
    const first = await invite(head, person.address, { role_key: "owner" });
    const [toOther, toLater] = [await invite(head, other), await invite(head, later)];
    expect((await accept(person, first)).status).toBe(200);
    nest.clock.advance(1);
    await as(nest, head, "remove_account_user", { user_id: person.user_id });
    await addAddress(later);
    expect(codeOf(await accept(person, toOther))).toEqual(unknown);
    expect(codeOf(await accept(person, toLater))).toEqual(unknown);
    nest.clock.advance(1);
    expect((await accept(person, await invite(head, other))).status).toBe(200);
  });

  test("ends with the rights of the member who invited", async () => {
    const head = await newOwner(nest);
    const inviting = await newOwner(nest);
    await accept(inviting, await invite(head, inviting.address, { role_key: "owner" }));
    const inHead = { ...inviting, account_id: head.account_id };
    const person = await newOwner(nest);
    const token = await invite(inHead, person.address, { role_key: "owner" });
    expect((await setRole(head, inviting.user_id, "admin")).status).toBe(200);
    expect(codeOf(await accept(person, token))).toEqual(unknown);
    await setRole(head, inviting.user_id, "owner");
    await as(nest, head, "remove_account_user", { user_id: inviting.user_id });
    expect(codeOf(await accept(person, token))).toEqual(unknown);
  });
});

describe("a sign-in to a chosen account", () => {
  const signInTo = (person: Owner, account_id: string, password = P1) =>
    signInWith(nest, person.address, password, { account_id });
  const accountOf = async (tokens: Tokens) => (await as(nest, tokens, "get_user")).body.account_id;
  const isAlive = async (tokens: Tokens) => (await as(nest, tokens, "get_user")).status === 200;
  const withSecond = async () => {
    const person = await newOwner(nest);
    const { account } = (await as(nest, person, "create_account", { name: "Second" })).body;
    return { person, account_id: account.id as string };
  };

  test("acts in that account, also after a refresh, and other sessions in the default account", async () => {
    const { person, account_id } = await withSecond();
    const { body } = await signInTo(person, account_id);
    expect(await accountOf(body)).toBe(account_id);
    expect((await as(nest, body, "get_account")).body.account.id).toBe(account_id);
    const refresh = { client_id: NATIVE, grant_type: "refresh_token", refresh_token: body.refresh_token };
    const { body: next } = await nest.call(`${V3}authenticate_user`, refresh);
    expect(await accountOf(next)).toBe(account_id);
    expect(await accountOf(person)).toBe(person.account_id);
  });

  test("works with a magic link and with a code by mail", async () => {
    const { person, account_id } = await withSecond();
    const { address: identifier_value } = person;
    const link = exchange(await nest.emailedCode({ identifier_value }));
    const byLink = await nest.call(`${V3}authenticate_user`, { ...link, account_id });
    expect(await accountOf(byLink.body)).toBe(account_id);
    const sent = await sentCode(nest, { identifier_type: "email", identifier_value });
    const byCode = await redeemCode(nest, sent, { account_id });
    expect(await accountOf(byCode.body)).toBe(account_id);
  });

  test("answers for the account of others as for one that does not exist, and uses no code or link up", async () => {
    const person = await newOwner(nest);
    const { address: identifier_value } = person;
    const link = exchange(await nest.emailedCode({ identifier_value }));
    const sent = await sentCode(nest, { identifier_type: "email", identifier_value });
    for (const account_id of [owner.account_id, "account_nothing"])
      for (const refused of [
        await signInTo(person, account_id),
        await redeemCode(nest, sent, { account_id }),
        await nest.call(`${V3}authenticate_user`, { ...link, account_id }),
      ])
        expect([refused.status, refused.raw]).toEqual([404, '{"code":"account_not_found"}']);
    expect(codeOf(await signInTo(person, owner.account_id, "wrong"))).toEqual([401, "invalid_credentials"]);
    expect((await nest.call(`${V3}authenticate_user`, link)).status).toBe(200);
    expect((await redeemCode(nest, sent)).status).toBe(200);
  });

  test("counts no right password as a wrong one, and records the refusals", async () => {
    const person = await newOwner(nest);
    const replies: Reply[] = [];
    for (let each = 0; each < 12; each++) replies.push(await signInTo(person, "account_nothing"));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([404]));
    expect((await signInWith(nest, person.address)).status).toBe(200);
    const rows = await nest.collection("audit_logs").find({ userId: person.user_id }).toArray();
    const failed = rows.filter(({ action }) => action === "user.sign_in_failed");
    expect(failed.map(({ errorCode }) => errorCode)).toEqual(Array(12).fill("account_not_found"));
  });

  test("ends when the user is removed from the account, and other sessions stay", async () => {
    const person = await newOwner(nest);
    await accept(person, await invite(owner, person.address));
    const { body } = await signInTo(person, owner.account_id);
    expect(await accountOf(body)).toBe(owner.account_id);
    await as(nest, owner, "remove_account_user", { user_id: person.user_id });
    expect([await isAlive(body), await isAlive(person)]).toEqual([false, true]);
    expect(codeOf(await signInTo(person, owner.account_id))).toEqual([404, "account_not_found"]);
  });

  test("leaves no session in the account when 20 sign-ins race the removal", async () => {
    const person = await newOwner(nest);
    await accept(person, await invite(owner, person.address));
    const removal = { user_id: person.user_id };
    const replies = await atOnce((each) =>
      each === 10 ? as(nest, owner, "remove_account_user", removal) : signInTo(person, owner.account_id),
    );
    const issued = replies.filter(({ body }) => body.access_token !== undefined);
    for (const { body } of issued) expect(await isAlive(body)).toBe(false);
    const open = { userId: person.user_id, accountId: owner.account_id, revokedAt: null };
    expect(await nest.collection("sessions").countDocuments(open)).toBe(0);
  });

  test("is not possible by the first proof for an account that added the user, and is by the password before", async () => {
    const added = await newMember(nest, owner);
    expect(await accountOf((await signInTo(added, owner.account_id)).body)).toBe(owner.account_id);
    const sent = await sentCode(nest, { identifier_type: "email", identifier_value: added.address });
    const refused = await redeemCode(nest, sent, { account_id: owner.account_id });
    expect(codeOf(refused)).toEqual([404, "account_not_found"]);
    const proved = await redeemCode(nest, sent);
    expect(await accountOf(proved.body)).toBe(added.user_id.replace("user_", "account_"));
  });

  test("ends when the owner of the account's address proves it, and its members leave", async () => {
    const claimed = await newOwner(nest, { isVerified: false });
    const member = await newOwner(nest);
    const { user_id: userId } = member;
    const joined = {
      accountId: claimed.account_id,
      userId,
      role: "member",
      status: "active",
      removedAt: null,
    };
    const added = { _id: `acctmem_${userId}_in` as never, createdAt: "2026-01-01T00:00:00.000Z" };
    await nest.collection("account_members").insertOne({ ...added, ...joined });
    const { body } = await signInTo(member, claimed.account_id);
    expect(await accountOf(body)).toBe(claimed.account_id);
    await nest.signIn(claimed.address);
    expect([await isAlive(body), await isAlive(member)]).toEqual([false, true]);
  });
});

describe("a user who has proved no address", () => {
  test("creates no account", async () => {
    const stranger = await newOwner(nest, { isVerified: false });
    const refused = await as(nest, stranger, "create_account", { name: "Pay now" });
    expect(codeOf(refused)).toEqual([403, "own_address_not_verified"]);
    expect((await as(nest, stranger, "list_accounts")).body.items).toHaveLength(1);
  });
});

describe("set_account_user_role", () => {
  test("changes what a member may do from the next call on, and keeps the last owner", async () => {
    const head = await newOwner(nest);
    const member = await newMember(nest, head);
    const changed = await setRole(head, member.user_id, "admin");
    expect(changed.body.user).toMatchObject({ id: member.user_id, role: 80, role_key: "admin" });
    expect(codeOf(await setRole(member, member.user_id, "owner"))).toEqual([403, "capability_escalation"]);
    expect(codeOf(await setRole(member, head.user_id, "member"))).toEqual([403, "capability_escalation"]);
    expect(codeOf(await setRole(head, head.user_id, "admin"))).toEqual([409, "last_owner"]);
    await setRole(head, member.user_id, "owner");
    const both = await Promise.all([
      setRole(head, member.user_id, "member"),
      setRole(member, head.user_id, "member"),
    ]);
    expect(both.filter(({ status }) => status === 200)).toHaveLength(1);
    const rows = (await nest.moveEvents()).filter(({ action }) => action === "account.user_role_changed");
    expect(rows.map(({ data }) => data)).toContainEqual({ previous: "member", role: "admin" });
  });

  test("gives own roles, which can't be deleted while a member has them", async () => {
    const internal = { internal: true };
    const role = { scope: "account", key: "billing" };
    const content = { name: "Billing", level: 60, capabilities: ["account.users.read"] };
    await nest.call(`${V3}set_role`, { ...role, ...content }, internal);
    const member = await newMember(nest, owner);
    const { user } = (await setRole(owner, member.user_id, "billing")).body;
    expect([user.role, user.role_key]).toEqual([60, "billing"]);
    expect(codeOf(await nest.call(`${V3}delete_role`, role, internal))).toEqual([409, "role_in_use"]);
    await setRole(owner, member.user_id, "member");
    expect((await nest.call(`${V3}delete_role`, role, internal)).status).toBe(200);
    expect(codeOf(await setRole(owner, member.user_id, "billing"))).toEqual([404, "role_not_found"]);
    const phone = { identifier_type: "phone", identifier_value: "+6591234567", password: undefined };
    expect(codeOf(await addUser(nest, owner, phone))).toEqual([400, "validation_failed"]);
  });
});
