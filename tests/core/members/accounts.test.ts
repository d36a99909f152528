import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addUser, as, newAddress, newMember, newOwner, type Owner } from "#tests/support/members.ts";
import { BUSY_MACHINE, linkIn, NATIVE, type Reply, startNest, type TestNest } from "#tests/support/nest.ts";
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
