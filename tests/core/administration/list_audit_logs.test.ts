import type { Document } from "mongodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cursorAfter } from "#core/paging.ts";
import type { EventType } from "#core/repositories/outbox.ts";
import { as, newMember, newOwner, type Owner } from "#tests/support/members.ts";
import { type Reply, startNest, type TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { setRoles } from "#tests/support/roles.ts";

let nest: TestNest;
let owner: Owner;
let member: Owner;
let support: Owner;
beforeAll(async () => {
  nest = await startNest();
  owner = await newOwner(nest);
  member = await newMember(nest, owner);
  support = await newOwner(nest);
  await setRoles(nest, support.user_id, ["support"]);
  await nest.moveEvents();
});
afterAll(() => nest.stop());

const list = (person: Owner, body: object = {}): Promise<Reply> => as(nest, person, "list_audit_logs", body);
const codeOf = ({ status, body }: Reply) => [status, body.code];
const rowsOf = ({ body }: Reply): Record<string, unknown>[] => body.items;
const reads = (): Promise<Document[]> =>
  nest
    .collection("audit_logs")
    .find({ action: "audit.read" satisfies EventType })
    .toArray();

describe("list_audit_logs", () => {
  test("returns the caller's own rows, and records no read of them", async () => {
    for (const body of [{}, { user_id: member.user_id }]) {
      const rows = rowsOf(await list(member, body));
      expect(new Set(rows.map(({ user_id }) => user_id))).toEqual(new Set([member.user_id]));
      expect(rows.map(({ action }) => action)).toContain("user.signed_in");
    }
    expect(await reads()).toEqual([]);
  });

  test("shows a user no network and no session of another user who acted on the account, and support both", async () => {
    const added = { action: "account.user_added" };
    const [shown] = rowsOf(await list(member, added));
    const actor = { type: "user", id: owner.user_id };
    expect(shown).toMatchObject({ actor, account_id: owner.account_id, session_id: null, origin: null });
    const [own] = rowsOf(await list(member, { action: "user.signed_in" }));
    expect(own).toMatchObject({
      session_id: expect.stringMatching(/^session_/),
      origin: { ip: "203.0.113.9" },
    });
    const [full] = rowsOf(await list(support, { ...added, user_id: member.user_id }));
    expect(full).toMatchObject({
      actor,
      session_id: expect.stringMatching(/^session_/),
      origin: { ip: "203.0.113.9" },
    });
  });

  test("filters by actor: support staff get the rows of all users, other users only the rows about themselves", async () => {
    const rows = rowsOf(await list(support, { actor_id: owner.user_id }));
    expect(rows).toContainEqual(
      expect.objectContaining({ action: "account.user_added", user_id: member.user_id }),
    );
    for (const { actor } of rows) expect(actor).toEqual({ type: "user", id: owner.user_id });
    const own = rowsOf(await list(member, { actor_id: owner.user_id }));
    expect(own.map(({ action }) => action)).toContain("account.user_added");
    for (const row of own)
      expect(row).toMatchObject({ actor: { id: owner.user_id }, user_id: member.user_id });
  });

  test("returns the rows of an account to members with account.audit.read only, and not their own sign-ins", async () => {
    const { account_id } = owner;
    const rows = rowsOf(await list(owner, { account_id }));
    expect(rows.map(({ action }) => action)).toContain("account.user_added");
    expect(new Set(rows.map((row) => row.account_id))).toEqual(new Set([account_id]));
    expect(codeOf(await list(member, { account_id }))).toEqual([403, "access_denied"]);
    const others = { account_id, user_id: owner.user_id };
    expect(codeOf(await list(member, others))).toEqual([403, "access_denied"]);
    for (const id of [member.user_id.replace("user_", "account_"), "account_nothing"])
      expect(codeOf(await list(owner, { account_id: id }))).toEqual([404, "account_not_found"]);
  });

  test("refuses the rows of another user, known or not, and the whole log", async () => {
    for (const user_id of [member.user_id, "user_nobody"])
      expect(codeOf(await list(owner, { user_id }))).toEqual([403, "access_denied"]);
    expect(codeOf(await nest.call(`${V3}list_audit_logs`, {}))).toEqual([403, "access_denied"]);
  });

  test("records a read of others' rows once an hour for each session and list, also by a cursor that was made up", async () => {
    await nest.collection("audit_logs").deleteMany({ action: "audit.read" });
    const asked = { user_id: member.user_id, limit: 1 };
    const filter = { userId: member.user_id };
    const position = { createdAt: "2027-01-01T00:00:00.000Z", _id: "audit_0" };
    const cursor = cursorAfter(position, { method: "list_audit_logs", filter });
    await Promise.all([list(support, { ...asked, cursor }), list(support, asked), list(support, asked)]);
    await list(support);
    await list(owner, { account_id: owner.account_id });
    const found = (await reads()).map((row) => [
      ...[row.actor.id, row.userId, row.accountId, row.target.type],
    ]);
    expect(found).toEqual(
      expect.arrayContaining([
        [support.user_id, member.user_id, undefined, "user"],
        [support.user_id, null, undefined, "audit_log"],
        [owner.user_id, null, owner.account_id, "account"],
      ]),
    );
    expect(found).toHaveLength(3);
  });

  test("pages rows of the same time without gaps or repeats while rows are added, and filters by time and outcome", async () => {
    const [row] = await nest.collection("audit_logs").find({ action: "user.signed_in" }).toArray();
    const at = (minute: number) => `2025-03-01T10:0${minute}:00.000Z`;
    const stored = Array.from({ length: 25 }, (_, number) => ({
      ...row,
      ...{ _id: `audit_p${String(number).padStart(2, "0")}` as never, userId: "user_paged" },
      ...{ occurredAt: at(Math.floor(number / 10)), outcome: number % 5 === 0 ? "failure" : "success" },
    }));
    await nest.collection("audit_logs").insertMany(stored);
    const asked = { user_id: "user_paged", limit: 4 };
    const ids: unknown[] = [];
    let cursor: string | null = null;
    do {
      const reply: Reply = await list(support, { ...asked, ...(cursor && { cursor }) });
      ids.push(...rowsOf(reply).map(({ id }) => id));
      cursor = reply.body.next_cursor;
      const later = { ...row, userId: "user_paged", occurredAt: at(9), _id: `audit_later${ids.length}` };
      await nest.collection("audit_logs").insertOne(later as never);
    } while (cursor !== null);
    const expected = stored.map(({ _id }) => _id).reverse();
    expect(ids).toEqual(expected);
    const times = { from: "2025-03-01T11:01:00+01:00", to: at(2) };
    const failed = await list(support, { ...asked, ...times, outcome: "failure" });
    expect(rowsOf(failed).map(({ id }) => id)).toEqual(["audit_p15", "audit_p10"]);
    const other = await list(support, { cursor: (await list(support, asked)).body.next_cursor });
    expect([...codeOf(other), other.body.meta.path]).toEqual([400, "validation_failed", ["cursor"]]);
  });

  test.each([{ from: "yesterday" }, { action: "nothing" }, { outcome: "maybe" }, { limit: 101 }])(
    "refuses %j",
    async (body) => {
      expect(codeOf(await list(support, body))).toEqual([400, "validation_failed"]);
    },
  );
});
