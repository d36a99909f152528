import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { atOnce } from "#tests/support/concurrency.ts";
import { addUser, as, newAddress, newMember, newOwner, type Owner } from "#tests/support/members.ts";
import { BUSY_MACHINE, type Reply, startNest, type TestNest } from "#tests/support/nest.ts";
import { P1, P2, register, setPassword, signInWith } from "#tests/support/passwords.ts";

let nest: TestNest;
let owner: Owner;
beforeAll(async () => {
  const environment = { LIMIT_ADDED_USERS_PER_ACCOUNT: "0" };
  nest = await startNest({ slowdown: BUSY_MACHINE, environment });
  owner = await newOwner(nest);
});
afterAll(() => nest.stop());

const codeOf = ({ status, body }: Reply) => [status, body.code];
const membersOf = async (person: Owner, account_id = person.account_id) =>
  (await as(nest, person, "list_account_users", { account_id })).body.items as Record<string, unknown>[];
const remove = (person: Owner, user_id: string, more: object = {}) =>
  as(nest, person, "remove_account_user", { account_id: person.account_id, user_id, ...more });
const isAlive = async (person: Owner) => (await as(nest, person, "get_user")).status === 200;
const eventsOf = async (user_id: string) =>
  (await nest.moveEvents())
    .filter(({ userId, action }) => userId === user_id && action.startsWith("account."))
    .map(({ action, data, target, actor }) => [action, data, target.id, actor.id]);

/** Registers users who all own the account of the first one. */
async function coOwners(count: number): Promise<Owner[]> {
  const owners: Owner[] = [];
  for (let each = 0; each < count; each++) {
    const address = newAddress("owner");
    const { body } = await register(nest, { identifier_value: address, password: undefined });
    const { account_id } = owners[0] ?? body;
    owners.push({ ...body, address, account_id });
    if (each > 0) await join(account_id, body.user_id, "owner");
  }
  return owners;
}

/** Stores a membership. */
async function join(accountId: string, userId: string, role: string): Promise<void> {
  const createdAt = nest.clock.now().toISOString();
  const member = { accountId, userId, role, status: "active", createdAt, removedAt: null };
  await nest.collection("account_members").insertOne({ _id: `acctmem_${userId}_in` as never, ...member });
}

describe("list_account_users", () => {
  test("lists the members of the account by pages, the oldest first, and nobody else", async () => {
    const head = await newOwner(nest);
    const added = [await newMember(nest, head), await newMember(nest, head, "admin")];
    expect(await membersOf(head)).toMatchObject([
      { id: head.user_id, account_id: head.account_id, email: head.address, role: 100, role_key: "owner" },
      { id: added[0]?.user_id, email: added[0]?.address, role: 50, role_key: "member", status: "active" },
      { id: added[1]?.user_id, role: 80, role_key: "admin", name: null },
    ]);
    const { body } = await as(nest, head, "list_account_users", { limit: 2 });
    const { next_cursor: cursor } = body;
    const rest = await as(nest, added[0] as Owner, "list_account_users", { limit: 2, cursor });
    expect(rest.body).toMatchObject({ items: [{ id: added[1]?.user_id }], next_cursor: null });
    const elsewhere = await as(nest, owner, "list_account_users", { cursor });
    expect(codeOf(elsewhere)).toEqual([400, "validation_failed"]);
  });

  test("answers for another account as for one that does not exist", async () => {
    const other = await newOwner(nest);
    for (const method of ["list_account_users", "remove_account_user", "add_account_user"]) {
      const body = {
        ...(method === "remove_account_user" && { user_id: other.user_id }),
        ...(method === "add_account_user" && {
          ...{ identifier_type: "email", identifier_value: newAddress(), password: P1 },
        }),
      };
      const replies = [other.account_id, "account_nothing"].map((account_id) =>
        as(nest, owner, method, { ...body, account_id }),
      );
      const [known, unknown] = await Promise.all(replies);
      expect([codeOf(known as Reply), known?.raw]).toEqual([[404, "account_not_found"], unknown?.raw]);
    }
  });
});

describe("add_account_user with a password", () => {
  test("creates an active member who signs in with it and must change it", async () => {
    const identifier_value = newAddress();
    const { status, body } = await addUser(nest, owner, { identifier_value });
    expect([status, body]).toEqual([
      200,
      {
        account_id: expect.stringMatching(/^account_/),
        user_id: expect.stringMatching(/^user_/),
        status: "active",
      },
    ]);
    const signedIn = await signInWith(nest, identifier_value);
    expect(signedIn.body).toMatchObject({ user_id: body.user_id, password_change_required: true });
    const own = (await as(nest, signedIn.body, "get_user")).body;
    expect(own).toMatchObject({ account_id: owner.account_id, role: 50, role_key: "member" });
    expect((await setPassword(nest, signedIn.body)).status).toBe(200);
    expect((await signInWith(nest, identifier_value, P2)).body.password_change_required).toBe(false);
    expect(await eventsOf(body.user_id)).toEqual([
      ["account.user_added", { role: "member" }, owner.account_id, owner.user_id],
    ]);
  });

  test("needs account.users.manage, a proved address, a known role and no more than the caller's own", async () => {
    const member = await newMember(nest, owner);
    expect(codeOf(await addUser(nest, member))).toEqual([403, "access_denied"]);
    const stranger = await newOwner(nest, { isVerified: false });
    expect(codeOf(await addUser(nest, stranger))).toEqual([403, "own_address_not_verified"]);
    expect(codeOf(await addUser(nest, owner, { role_key: "nothing" }))).toEqual([404, "role_not_found"]);
    const admin = await newMember(nest, owner, "admin");
    await nest
      .collection("identifiers")
      .updateOne({ userId: admin.user_id }, { $set: { verifiedAt: nest.clock.now().toISOString() } });
    await nest
      .collection("passwords")
      .updateOne({ userId: admin.user_id }, { $set: { isProvisional: false } });
    expect(codeOf(await addUser(nest, admin, { role_key: "owner" }))).toEqual([403, "capability_escalation"]);
    expect((await addUser(nest, admin, { role_key: "admin" })).status).toBe(200);
    expect(codeOf(await addUser(nest, owner, { identifier_value: owner.address }))).toEqual([
      409,
      "identifier_taken",
    ]);
    const weak = await addUser(nest, owner, { password: "short" });
    expect(codeOf(weak)).toEqual([400, "password_not_acceptable"]);
  });

  test("adds a user to an account once for 20 calls", async () => {
    const { accountMembers } = nest.gateway.core;
    const createdAt = nest.clock.now().toISOString();
    const member = { accountId: "account_once", userId: "user_once", role: "member", createdAt };
    const insert = (each: number) =>
      accountMembers.insert({ _id: `acctmem_once${each}`, ...member, status: "active", removedAt: null });
    expect((await atOnce(insert)).filter(Boolean)).toHaveLength(1);
  });

  test("allows an account 20 users an hour, whoever adds them", async () => {
    const beside = await startNest({ beside: nest, environment: { LIMIT_ADDED_USERS_PER_ACCOUNT: "2" } });
    const head = await newOwner(nest);
    const replies = await atOnce(() => addUser(beside, head), 4);
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 429, 429]);
    await beside.stop();
  });

  test("gives an address to one of 20 accounts that add it at once, and leaves nothing of the others", async () => {
    const owners = await atOnce(() => newOwner(nest), 5);
    const identifier_value = newAddress();
    const users = await nest.collection("users").countDocuments();
    const replies = await atOnce((each) => addUser(nest, owners[each % 5] as Owner, { identifier_value }));
    const [won] = replies.filter(({ status }) => status === 200);
    expect(replies.filter((reply) => codeOf(reply)[1] === "identifier_taken").length).toBeGreaterThan(0);
    const { user_id: userId } = won?.body ?? {};
    // A call of the winner's own account completes what another one has begun.
    expect(new Set(replies.filter(({ status }) => status === 200).map(({ body }) => body.user_id)).size).toBe(
      1,
    );
    expect(await nest.collection("users").countDocuments()).toBe(users + 1);
    expect(await nest.collection("account_members").countDocuments({ userId })).toBe(1);
    expect(await nest.collection("passwords").countDocuments({ userId })).toBe(1);
  });

  test("is completed by a repeated call with the same password only", async () => {
    const identifier_value = newAddress();
    const { body } = await addUser(nest, owner, { identifier_value });
    await nest.collection("account_members").deleteMany({ userId: body.user_id });
    const other = await addUser(nest, owner, { identifier_value, password: P2 });
    expect(codeOf(other)).toEqual([409, "identifier_taken"]);
    expect(codeOf(await addUser(nest, await newOwner(nest), { identifier_value }))).toEqual([
      409,
      "identifier_taken",
    ]);
    expect((await addUser(nest, owner, { identifier_value })).body).toEqual(body);
    expect((await membersOf(owner)).map(({ id }) => id)).toContain(body.user_id);
  });

  test("ends password, session and membership when the owner of the address proves it", async () => {
    const victim = await newMember(nest, owner);
    const proved = await nest.signIn(victim.address);
    expect(proved.user_id).toBe(victim.user_id);
    expect(await isAlive(victim)).toBe(false);
    expect(codeOf(await signInWith(nest, victim.address))).toEqual([401, "invalid_credentials"]);
    expect((await membersOf(owner)).map(({ id }) => id)).not.toContain(victim.user_id);
    const own = (await as(nest, proved, "get_user")).body;
    expect(own).toMatchObject({ account_id: victim.user_id.replace("user_", "account_"), role: 100 });
    expect((await eventsOf(victim.user_id)).map(([action]) => action)).toEqual([
      "account.user_added",
      "account.user_removed",
    ]);
  });
});

describe("remove_account_user", () => {
  test("ends the membership and its sessions, gives the user an account, and repeats with the same answer", async () => {
    const member = await newMember(nest, owner);
    const removed = await remove(owner, member.user_id);
    expect([removed.status, removed.body]).toEqual([200, { removed_at: expect.any(String) }]);
    expect((await remove(owner, member.user_id)).body).toEqual(removed.body);
    expect(await isAlive(member)).toBe(false);
    expect((await membersOf(owner)).map(({ id }) => id)).not.toContain(member.user_id);
    const { body: again } = await signInWith(nest, member.address);
    const own = (await as(nest, again, "get_user")).body;
    expect([own.role, own.account_id === owner.account_id]).toEqual([100, false]);
    expect(await eventsOf(member.user_id)).toEqual([
      ["account.user_added", { role: "member" }, owner.account_id, owner.user_id],
      ["account.user_removed", {}, owner.account_id, owner.user_id],
      ["account.created", {}, own.account_id, owner.user_id],
    ]);
  });

  test("lets members remove themselves, and nobody whose role allows more", async () => {
    const [member, admin] = [await newMember(nest, owner), await newMember(nest, owner, "admin")];
    expect(codeOf(await remove(member, admin.user_id))).toEqual([403, "access_denied"]);
    expect(codeOf(await remove(admin, owner.user_id))).toEqual([403, "capability_escalation"]);
    expect(codeOf(await remove(admin, "user_nobody"))).toEqual([404, "user_not_found"]);
    expect((await remove(member, member.user_id)).status).toBe(200);
    expect(codeOf(await remove(owner, owner.user_id))).toEqual([409, "last_owner"]);
  });

  test("with delete_user, deletes a user whom the account added, ends the sessions and frees the address", async () => {
    const member = await newMember(nest, owner);
    const removed = await remove(owner, member.user_id, { delete_user: true });
    expect([removed.status, removed.body]).toEqual([200, { removed_at: expect.any(String) }]);
    expect((await remove(owner, member.user_id, { delete_user: true })).body).toEqual(removed.body);
    expect((await remove(owner, member.user_id)).body).toEqual(removed.body);
    expect(await isAlive(member)).toBe(false);
    expect(codeOf(await signInWith(nest, member.address))).toEqual([401, "invalid_credentials"]);
    expect((await addUser(nest, owner, { identifier_value: member.address })).status).toBe(200);
    const rows = (await nest.moveEvents()).filter(({ userId }) => userId === member.user_id);
    const counted = (action: string) => rows.filter((row) => row.action === action).length;
    expect(["user.deleted", "account.user_removed", "account.created"].map(counted)).toEqual([1, 1, 0]);
    const active = { userId: member.user_id, removedAt: null };
    expect(await nest.collection("account_members").countDocuments(active)).toBe(0);
  });

  test("with delete_user, changes nothing for a user in another account, the first owner, and a user removed before", async () => {
    const head = await newOwner(nest);
    const [elsewhere, gone] = [await newMember(nest, head), await newMember(nest, head)];
    await join(owner.account_id, elsewhere.user_id, "member");
    expect((await remove(head, gone.user_id)).status).toBe(200);
    const second = await newMember(nest, head, "owner");
    for (const [by, user_id] of [
      [head, elsewhere.user_id],
      [second, head.user_id],
      [head, gone.user_id],
    ] as const)
      expect(codeOf(await remove(by, user_id, { delete_user: true }))).toEqual([403, "delete_not_allowed"]);
    expect(await isAlive(elsewhere)).toBe(true);
    const stay = [head, elsewhere, second].map(({ user_id }) => user_id);
    expect((await membersOf(head)).map(({ id }) => id).sort()).toEqual(stay.sort());
    expect((await signInWith(nest, gone.address)).status).toBe(200);
  });

  test("with delete_user, keeps the last owner, and a user with a role on the platform", async () => {
    const head = await newOwner(nest);
    expect(codeOf(await remove(head, head.user_id, { delete_user: true }))).toEqual([409, "last_owner"]);
    const member = await newMember(nest, head);
    const hasRole = { $set: { roles: ["support"] } };
    await nest.collection("users").updateOne({ _id: member.user_id as never }, hasRole);
    const refused = await remove(head, member.user_id, { delete_user: true });
    expect(codeOf(refused)).toEqual([403, "capability_escalation"]);
    expect(await isAlive(member)).toBe(true);
  });

  test("with delete_user, needs a fresh sign-in of members who delete themselves", async () => {
    const member = await newMember(nest, owner);
    const longAgo = { $set: { authTime: "2020-01-01T00:00:00.000Z" } };
    await nest.collection("sessions").updateMany({ userId: member.user_id }, longAgo);
    const asked = { delete_user: true };
    expect(codeOf(await remove(member, member.user_id, asked))).toEqual([403, "reauthentication_required"]);
    expect(await isAlive(member)).toBe(true);
    const { body } = await signInWith(nest, member.address);
    const fresh = { ...member, ...body };
    expect((await remove(fresh, member.user_id, asked)).status).toBe(200);
    expect(await isAlive(fresh)).toBe(false);
  });

  test("with delete_user, deletes a user once when 20 calls race, and all get the same time", async () => {
    const member = await newMember(nest, owner);
    const replies = await atOnce(() => remove(owner, member.user_id, { delete_user: true }));
    expect(new Set(replies.map(({ status, raw }) => `${status} ${raw}`)).size).toBe(1);
    const rows = (await nest.moveEvents()).filter(({ userId }) => userId === member.user_id);
    const counted = (action: string) => rows.filter((row) => row.action === action).length;
    expect(["user.deleted", "account.user_removed"].map(counted)).toEqual([1, 1]);
  });

  test("keeps an owner while the only other owner was added and has proved nothing", async () => {
    const head = await newOwner(nest);
    const added = await newMember(nest, head, "owner");
    expect(codeOf(await remove(head, head.user_id))).toEqual([409, "last_owner"]);
    const claimed = { userId: added.user_id };
    await nest.collection("identifiers").updateOne(claimed, { $set: { verifiedAt: "2026-01-01" } });
    expect((await remove(head, head.user_id)).status).toBe(200);
  });

  test("allows a member 40 users an hour, over all accounts of the member", async () => {
    const head = await newOwner(nest);
    const { account } = (await as(nest, head, "create_account")).body;
    const accounts = [head.account_id, account.id];
    const add = (each: number) =>
      addUser(nest, head, { account_id: accounts[each % 2], identifier_value: head.address });
    const refusals = (await atOnce(add, 42)).map(({ body }) => body.code).sort();
    const expected = [...Array<string>(40).fill("identifier_taken"), "rate_limited", "rate_limited"];
    expect(refusals).toEqual(expected);
  });

  test("leaves an owner when 12 owners remove each other by 50 calls at once", async () => {
    const owners = await coOwners(12);
    const { account_id: accountId } = owners[0] as Owner;
    const replies = await atOnce((each) => {
      const [from, to] = [owners[each % 12], owners[(each * 5 + 1 + Math.floor(each / 12)) % 12]];
      return remove(from as Owner, to?.user_id ?? "");
    }, 50);
    expect(replies.map(({ status }) => status).filter((status) => status >= 500)).toEqual([]);
    const left = { accountId, role: "owner", removedAt: null };
    expect(await nest.collection("account_members").countDocuments(left)).toBeGreaterThan(0);
    const account = await nest.collection("accounts").findOne({ _id: accountId as never });
    expect(account?.leavingOwners).toEqual([]);
  });

  test("leaves one of two owners who leave at once, in every round", async () => {
    for (let round = 0; round < 10; round++) {
      const pair = await coOwners(2);
      const replies = await Promise.all(pair.map((one) => remove(one, one.user_id)));
      expect(replies.map(codeOf).sort()).toEqual([
        [200, undefined],
        [409, "last_owner"],
      ]);
    }
  });
});
