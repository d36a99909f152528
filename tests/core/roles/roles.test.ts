import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ACCOUNT_CAPABILITIES, PLATFORM_CAPABILITIES } from "#core/capabilities.ts";
import { BUILT_IN_ROLES } from "#core/roles/built_in.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { BUSY_MACHINE, type Reply, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { register } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { giveRole, setRoles } from "#tests/support/roles.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
});
afterAll(() => nest.stop());

let people = 0;
const newPerson = (): Promise<Tokens> => nest.signIn(`person-${++people}@example.com`);
const call = (method: string, { access_token }: Tokens, body: object): Promise<Reply> =>
  nest.call(`${V3}${method}`, body, { bearer: access_token });
const asInternal = (method: string, body: object) => nest.call(`${V3}${method}`, body, { internal: true });
const desk = (key: string, change: object = {}) => ({
  ...{ scope: "platform", key, name: "Desk", level: 20, capabilities: ["users.read"] },
  ...change,
});
const rolesOf = ({ user_id }: Tokens, roles: readonly string[]) => ({ user_id, roles });
const codeOf = ({ status, body }: Reply) => [status, body.code];
const eventsOf = async (action: string) => (await nest.moveEvents()).filter((row) => row.action === action);
/** Leaves no administrator. */
const withoutAdmins = () => nest.collection("users").updateMany({}, { $unset: { roles: "" } });

/** A person with a role that may manage roles. */
async function newManager(level: number, ...more: string[]): Promise<Tokens> {
  const person = await newPerson();
  const capabilities = ["roles.manage", ...more];
  await giveRole(nest, { key: `manager_${people}`, level, capabilities, user_id: person.user_id });
  return person;
}

test("the built-in roles allow what the table says", () => {
  expect(
    BUILT_IN_ROLES.map(({ scope, key, level, capabilities }) => [scope, key, level, capabilities]),
  ).toEqual([
    ["platform", "user", 0, []],
    ["platform", "support", 50, ["users.read", "sessions.manage", "audit.read"]],
    ["platform", "admin", 100, PLATFORM_CAPABILITIES],
    ["account", "member", 50, ["account.users.read"]],
    ["account", "admin", 80, ["account.users.read", "account.users.manage", "account.audit.read"]],
    ["account", "owner", 100, ACCOUNT_CAPABILITIES],
  ]);
});

describe("a method that needs a capability", () => {
  test("refuses callers without a credential and users without the capability", async () => {
    expect(codeOf(await nest.call(`${V3}list_roles`, {}))).toEqual([403, "access_denied"]);
    const person = await newPerson();
    expect(codeOf(await call("list_roles", person, {}))).toEqual([403, "access_denied"]);
    await setRoles(nest, person.user_id, ["support"]);
    expect(codeOf(await call("list_roles", person, {}))).toEqual([403, "access_denied"]);
  });

  test("follows a role that is given, changed and taken from the next call of the same token on", async () => {
    const person = await newPerson();
    const status = async () => (await call("list_roles", person, {})).status;
    await giveRole(nest, { key: "live", capabilities: ["roles.manage"], user_id: person.user_id });
    expect(await status()).toBe(200);
    await giveRole(nest, { key: "live", capabilities: [] });
    expect(await status()).toBe(403);
    await giveRole(nest, { key: "live", capabilities: ["roles.manage"] });
    expect(await status()).toBe(200);
    await setRoles(nest, person.user_id, []);
    expect(await status()).toBe(403);
  });

  test("tells a user without the capability nothing about other users", async () => {
    const person = await newPerson();
    const other = await newPerson();
    const replies = await Promise.all(
      [other.user_id, "user_nobody"].map((user_id) => call("set_user_roles", person, { user_id, roles: [] })),
    );
    expect(replies.map(({ status, raw }) => [status, raw])).toEqual([
      [403, '{"code":"access_denied"}'],
      [403, '{"code":"access_denied"}'],
    ]);
  });
});

describe("set_role", () => {
  test("creates and changes a role, records both, and repeats nothing", async () => {
    const created = await asInternal("set_role", desk("desk"));
    expect(created.body).toEqual({
      role: { ...desk("desk"), id: expect.stringMatching(/^role_/), built_in: false },
    });
    await asInternal("set_role", desk("desk"));
    await asInternal("set_role", desk("desk", { level: 30 }));
    const rows = (await eventsOf("role.changed")).filter(({ data }) => data.key === "desk");
    expect(rows.map(({ data, userId }) => [data.change, userId])).toEqual([
      ["created", null],
      ["updated", null],
    ]);
    const { body } = await asInternal("list_roles", { scope: "platform" });
    expect(
      body.items.slice(0, 3).map(({ key, built_in }: { key: string; built_in: boolean }) => [key, built_in]),
    ).toEqual([
      ["user", true],
      ["support", true],
      ["admin", true],
    ]);
    expect(body.items).toContainEqual({
      ...{ ...desk("desk", { level: 30 }), id: expect.stringMatching(/^role_/), built_in: false },
    });
  });

  test.each(["Admin", "аdmin", "ad-min", "", "x".repeat(41), "ａｄｍｉｎ"])(
    "refuses the key %j",
    async (key) => {
      expect(codeOf(await asInternal("set_role", desk(key)))).toEqual([400, "validation_failed"]);
    },
  );

  test("refuses built-in roles, and capabilities of another scope or of none", async () => {
    expect(codeOf(await asInternal("set_role", desk("admin")))).toEqual([409, "role_built_in"]);
    const other = desk("other", { capabilities: ["account.manage"] });
    expect(codeOf(await asInternal("set_role", other))).toEqual([400, "unknown_capability"]);
    const account = { ...other, scope: "account" };
    expect((await asInternal("set_role", account)).status).toBe(200);
    const unknown = { ...account, capabilities: ["users.read"] };
    expect(codeOf(await asInternal("set_role", unknown))).toEqual([400, "unknown_capability"]);
  });

  test("refuses a role that allows more than the caller's roles, and a change of such a role", async () => {
    const manager = await newManager(40, "users.read");
    const escalation = [403, "capability_escalation"];
    expect(codeOf(await call("set_role", manager, desk("mine", { level: 41 })))).toEqual(escalation);
    const wide = desk("mine", { capabilities: ["users.write"] });
    expect(codeOf(await call("set_role", manager, wide))).toEqual(escalation);
    expect((await call("set_role", manager, desk("mine"))).status).toBe(200);
    await asInternal("set_role", desk("theirs", { capabilities: ["audit.read"] }));
    const narrowed = desk("theirs", { capabilities: [] });
    expect(codeOf(await call("set_role", manager, narrowed))).toEqual(escalation);
    expect(codeOf(await call("delete_role", manager, { scope: "platform", key: "theirs" }))).toEqual(
      escalation,
    );
    const high = { ...desk("high"), scope: "account", level: 41, capabilities: [] };
    expect(codeOf(await call("set_role", manager, high))).toEqual(escalation);
  });

  test("creates a role once when 20 calls race", async () => {
    const replies = await atOnce(() => asInternal("set_role", desk("raced")), 20);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await nest.collection("roles").countDocuments({ key: "raced" })).toBe(1);
  });
});

describe("delete_role", () => {
  test("deletes a role that nobody has, and a later role of the same key is another", async () => {
    const person = await newPerson();
    await giveRole(nest, { key: "gone", capabilities: ["roles.manage"], user_id: person.user_id });
    const role = { scope: "platform", key: "gone" };
    expect(codeOf(await asInternal("delete_role", role))).toEqual([409, "role_in_use"]);
    // What a call leaves that stops between its writes.
    const stored = await nest.collection("users").findOne({ _id: person.user_id as never });
    await setRoles(nest, person.user_id, []);
    const deleted = await asInternal("delete_role", role);
    expect(deleted.status).toBe(200);
    expect((await asInternal("delete_role", role)).body).toEqual(deleted.body);
    expect(codeOf(await asInternal("delete_role", { ...role, key: "nothing" }))).toEqual([
      404,
      "role_not_found",
    ]);
    await giveRole(nest, { key: "gone", capabilities: ["roles.manage"] });
    await nest
      .collection("users")
      .updateOne({ _id: person.user_id as never }, { $set: { roles: stored?.roles } });
    expect((await call("list_roles", person, {})).status).toBe(403);
    expect(codeOf(await asInternal("delete_role", { ...role, key: "support" }))).toEqual([
      409,
      "role_built_in",
    ]);
  });

  test("never deletes a role that a simultaneous call has given", async () => {
    for (let round = 0; round < 5; round++) {
      const key = `contested_${round}`;
      await giveRole(nest, { key });
      const persons = [await newPerson(), await newPerson()];
      const [deleted, ...given] = await Promise.all([
        asInternal("delete_role", { scope: "platform", key }),
        ...persons.map((person) => asInternal("set_user_roles", rolesOf(person, [key]))),
      ]);
      const holders = given.filter(({ status }) => status === 200).length;
      expect([deleted.status, holders > 0]).toEqual(deleted.status === 200 ? [200, false] : [409, true]);
    }
  });
});

describe("set_user_roles", () => {
  test("sets, replaces and takes roles, and records what changed", async () => {
    const person = await newPerson();
    const set = async (...roles: string[]) =>
      (await asInternal("set_user_roles", rolesOf(person, roles))).body.user;
    expect(await set("support", "user")).toEqual({ id: person.user_id, roles: ["support", "user"] });
    expect((await set("support")).roles).toEqual(["support", "user"]);
    expect((await set()).roles).toEqual(["user"]);
    const rows = (await eventsOf("user.roles_changed")).filter(({ userId }) => userId === person.user_id);
    expect(rows.map(({ data }) => data)).toEqual([
      { added: "support", removed: "" },
      { added: "", removed: "support" },
    ]);
  });

  test("refuses unknown roles, account roles and unknown users", async () => {
    const person = await newPerson();
    const refused = [404, "role_not_found"];
    expect(codeOf(await asInternal("set_user_roles", rolesOf(person, ["nothing"])))).toEqual(refused);
    expect(codeOf(await asInternal("set_user_roles", rolesOf(person, ["owner"])))).toEqual(refused);
    const nobody = { user_id: "user_nobody", roles: [] };
    expect(codeOf(await asInternal("set_user_roles", nobody))).toEqual([404, "user_not_found"]);
  });

  test("gives no role to a user whose address nobody has verified, and takes roles of such a user", async () => {
    const planted = await register(nest, { identifier_value: `person-${++people}@example.com` });
    const { user_id } = planted.body as unknown as Tokens;
    const give = (roles: string[]) => asInternal("set_user_roles", { user_id, roles });
    expect(codeOf(await give(["admin"]))).toEqual([409, "identifier_not_verified"]);
    expect((await call("get_user", planted.body as never, {})).body.roles).toEqual(["user"]);
    await nest.collection("users").updateOne({ _id: user_id as never }, { $set: { roles: ["support"] } });
    expect(codeOf(await give(["support", "admin"]))).toEqual([409, "identifier_not_verified"]);
    expect((await give([])).status).toBe(200);
    const owner = await nest.signIn(`person-${people}@example.com`);
    expect((await asInternal("set_user_roles", rolesOf(owner, ["support"]))).status).toBe(200);
  });

  test("refuses to give or take a role that allows more than the caller's roles", async () => {
    const manager = await newManager(40, "users.read");
    const person = await newPerson();
    const escalation = [403, "capability_escalation"];
    expect(codeOf(await call("set_user_roles", manager, rolesOf(person, ["admin"])))).toEqual(escalation);
    expect(codeOf(await call("set_user_roles", manager, rolesOf(manager, ["admin"])))).toEqual(escalation);
    await setRoles(nest, person.user_id, ["support"]);
    expect(codeOf(await call("set_user_roles", manager, rolesOf(person, [])))).toEqual(escalation);
    await giveRole(nest, { key: "small" });
    const both = rolesOf(person, ["support", "small"]);
    expect((await call("set_user_roles", manager, both)).body.user.roles).toEqual([
      "support",
      "small",
      "user",
    ]);
  });

  test("keeps the last administrator", async () => {
    await withoutAdmins();
    const [ada, bob] = [await newPerson(), await newPerson()];
    await setRoles(nest, ada.user_id, ["admin"]);
    expect(codeOf(await call("set_user_roles", ada, rolesOf(ada, [])))).toEqual([409, "last_admin"]);
    expect(codeOf(await asInternal("set_user_roles", rolesOf(ada, ["support"])))).toEqual([
      409,
      "last_admin",
    ]);
    expect((await call("set_user_roles", ada, rolesOf(bob, ["admin"]))).status).toBe(200);
    expect((await call("set_user_roles", bob, rolesOf(ada, []))).status).toBe(200);
    expect(codeOf(await call("set_user_roles", bob, rolesOf(bob, [])))).toEqual([409, "last_admin"]);
  });

  test("leaves one of many administrators who all remove each other at once", async () => {
    await withoutAdmins();
    const admins: Tokens[] = [];
    for (let each = 0; each < 12; each++) admins.push(await newPerson());
    for (const { user_id } of admins) await setRoles(nest, user_id, ["admin"]);
    const removing = admins.map((_admin, each) => rolesOf(admins[(each + 1) % admins.length] as Tokens, []));
    const replies = await Promise.all(removing.map((body) => asInternal("set_user_roles", body)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(11);
    expect(replies.filter(({ status }) => status !== 200).map(codeOf)).toEqual([[409, "last_admin"]]);
    expect(await nest.collection("users").countDocuments({ roles: "admin" })).toBe(1);
    expect((await nest.collection("admin_guards").findOne({}))?.leaving).toEqual([]);
  });

  test("leaves one of two administrators whose removals race, in every round", async () => {
    await withoutAdmins();
    const [ada, bob] = [await newPerson(), await newPerson()];
    for (let round = 0; round < 10; round++) {
      for (const { user_id } of [ada, bob]) await setRoles(nest, user_id, ["admin"]);
      const replies = await Promise.all([
        call("set_user_roles", ada, rolesOf(bob, [])),
        call("set_user_roles", bob, rolesOf(ada, [])),
      ]);
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(await nest.collection("users").countDocuments({ roles: "admin" })).toBe(1);
    }
  });
});
