import { afterAll, beforeAll, expect, test } from "vitest";
import { AdminGuardRepository } from "#core/repositories/admin_guards.ts";
import { type Role, RoleRepository } from "#core/repositories/roles.ts";
import { UserRepository } from "#core/repositories/users.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

const AT = "2026-03-14T09:26:53.589Z";
const CALLERS = 20;
let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let roles: RoleRepository;
let users: UserRepository;
let guards: AdminGuardRepository;
beforeAll(async () => {
  opened = await openFreshDatabase();
  roles = new RoleRepository(opened.database);
  users = new UserRepository(opened.database);
  guards = new AdminGuardRepository(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

const change = { at: AT, events: [] };
/** Stores a role and reads it. */
async function stored(key: string): Promise<Role> {
  const role = { scope: "platform" as const, key, name: key, level: 10, capabilities: [] };
  const times = { createdAt: AT, updatedAt: null, deletedAt: null, grants: 0 };
  await roles.insert({ _id: `role_${key}`, ...role, ...times }, []);
  return (await roles.find("platform", key)) as Role;
}
const winners = (outcomes: readonly unknown[]) => outcomes.filter(Boolean).length;

test("changes a role once for 20 calls that read the same level", async () => {
  const read = await stored("changed");
  let level = 10;
  const replace = () => roles.replace(read, { name: "x", level: ++level, capabilities: [] }, change);
  expect(winners(await atOnce(replace, CALLERS))).toBe(1);
});

test("deletes no role that was given since it was read, and gives no role that was deleted", async () => {
  const read = await stored("given");
  expect(await roles.recordGrant([read._id])).toBe(true);
  expect(await roles.delete(read, change)).toBe(false);
  const later = (await roles.find("platform", "given")) as Role;
  expect(winners(await atOnce(() => roles.delete(later, change), CALLERS))).toBe(1);
  expect(await roles.recordGrant([read._id])).toBe(false);
});

test("changes the roles of a user once for 20 calls that read the same roles", async () => {
  await users.ensure("user_1", AT);
  for (const from of [[], ["support"]]) {
    let next = 0;
    const set = () =>
      users.changeRoles("user_1", { from, to: ["support", `role_${next++}`], at: AT, events: [] });
    expect(winners(await atOnce(set, CALLERS))).toBe(1);
    const { roles: after = [] } = (await users.find("user_1")) ?? {};
    await users.changeRoles("user_1", { from: after, to: ["support"], at: AT, events: [] });
  }
});

test("stores one of 20 decisions about administrators that read the same version", async () => {
  for (let round = 0; round < 3; round++) {
    const { version } = await guards.read();
    let next = 0;
    const decide = () => guards.decide(version, { changeId: `event_${next++}`, userId: "user_1", at: AT });
    expect(winners(await atOnce(decide, CALLERS))).toBe(1);
  }
});
