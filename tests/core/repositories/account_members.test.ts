import { afterAll, beforeAll, expect, test } from "vitest";
import { type AccountMember, AccountMemberRepository } from "#core/repositories/account_members.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

const AT = "2026-03-14T09:26:53.589Z";
let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let members: AccountMemberRepository;
beforeAll(async () => {
  opened = await openFreshDatabase();
  members = new AccountMemberRepository(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

let created = 0;
const memberOf = (userId: string): AccountMember => ({
  ...{ _id: `acctmem_${++created}`, accountId: "account_1", userId, role: "member", status: "active" },
  ...{ createdAt: AT, removedAt: null },
});
/** Stores a membership. */
async function stored(userId: string): Promise<AccountMember> {
  const member = memberOf(userId);
  await members.insert(member);
  return member;
}
const removal = { at: AT, events: [], wasDefault: false };
const winners = (outcomes: readonly unknown[]) => outcomes.filter(Boolean).length;

test("changes the role of a member once for 20 calls that read the same role", async () => {
  const read = await stored("user_2");
  let next = 0;
  expect(winners(await atOnce(() => members.changeRole(read, `role_${next++}`, [])))).toBe(1);
});

test("removes a member once for 20 calls, and not with another role than was read", async () => {
  const read = await stored("user_3");
  expect(await members.remove({ ...read, role: "admin" }, removal)).toBe(false);
  expect(winners(await atOnce(() => members.remove(read, removal)))).toBe(1);
  expect(await members.changeRole(read, "admin", [])).toBeNull();
});
