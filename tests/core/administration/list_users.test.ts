import type { CommandStartedEvent, Document } from "mongodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cursorAfter } from "#core/paging.ts";
import { email, sentSecret } from "#tests/support/identifiers.ts";
import { type Reply, SIMPLE, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { setRoles } from "#tests/support/roles.ts";
import { suiteOptions } from "#tests/support/suite_options.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");
const at = (seconds: number) => new Date(START + seconds * 1000).toISOString();
/** Users whose pages are compared with those of 120 users. */
const MANY = suiteOptions.isWhole ? 100_000 : 2_000;
/** Users who are stored by one command, which has the time limit of a call. */
const BATCH = 500;

let nest: TestNest;
let support: Tokens;
beforeAll(async () => {
  nest = await startNest();
  support = await nest.signIn("support@example.com");
  await setRoles(nest, support.user_id, ["support"]);
  await store(0, 120);
});
afterAll(() => nest.stop());

const nameOf = (number: number) => `u${String(number).padStart(6, "0")}`;

/** Stores users of 2026-01, ten of each moment. */
async function store(first: number, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, each) => first + each);
  await nest.collection("users").insertMany(
    numbers.map((number) => ({
      _id: `user_${nameOf(number)}` as never,
      createdAt: at(Math.floor(number / 10)),
      ...(number % 3 === 0 && { status: "disabled" }),
      ...(number % 4 === 0 && { roles: ["support"] }),
    })),
  );
  await nest.collection("identifiers").insertMany(
    numbers.flatMap((number) =>
      ["", "b."].map((prefix) => ({
        _id: `userident_${prefix}${nameOf(number)}` as never,
        ...{ userId: `user_${nameOf(number)}`, identifierType: "email", knownDevices: [] },
        ...{ identifierValue: `x.${prefix}${nameOf(number)}@list.test`, createdAt: at(number) },
        ...{ updatedAt: null, verifiedAt: at(number), removedAt: null },
      })),
    ),
  );
}

const list = (body: object = {}): Promise<Reply> =>
  nest.call(`${V3}list_users`, body, { bearer: support.access_token });
/** The ids of all pages. @param between runs after each page */
async function idsOf(body: object, between?: () => Promise<void>): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const reply: Reply = await list({ ...body, ...(cursor && { cursor }) });
    expect([reply.status, reply.body.code]).toEqual([200, undefined]);
    ids.push(...reply.body.items.map(({ id }: { id: string }) => id));
    cursor = reply.body.next_cursor;
    await between?.();
  } while (cursor !== null);
  return ids;
}
const codeOf = ({ status, body }: Reply) => [status, body.code, body.meta?.path];

describe("list_users", () => {
  test("needs users.read", async () => {
    const person = await nest.signIn("person@example.com");
    const refused = await nest.call(`${V3}list_users`, {}, { bearer: person.access_token });
    expect([refused.status, refused.body.code]).toEqual([403, "access_denied"]);
  });

  test("pages 120 users of twelve moments without gaps or repeats while users are added, the newest first", async () => {
    let added = 0;
    const ids = await idsOf({ limit: 7, created_after: "2025-12-31" }, async () => {
      const createdAt = new Date().toISOString();
      await nest.collection("users").insertOne({ _id: `user_later${added++}` as never, createdAt });
    });
    const listed = ids.filter((id) => id.startsWith("user_u"));
    const stored = await nest
      .collection("users")
      .find({ _id: /^user_u/ as never })
      .toArray();
    const order = (user: Document) => `${user.createdAt} ${user._id}`;
    const sorted = stored
      .toSorted((one, other) => (order(one) < order(other) ? 1 : -1))
      .map(({ _id }) => String(_id));
    expect(listed).toEqual(sorted);
    expect(ids.filter((id) => id.startsWith("user_later"))).toEqual([]);
  });

  test("filters by status, role and time, and returns what get_user knows", async () => {
    const both = await idsOf({ limit: 5, status: "disabled", role: "support", created_after: at(5) });
    expect(both).toEqual(["user_u000108", "user_u000096", "user_u000084", "user_u000072", "user_u000060"]);
    expect(await idsOf({ status: "active", role: "admin" })).toEqual([]);
    expect(codeOf(await list({ role: "nothing" })).slice(0, 2)).toEqual([404, "role_not_found"]);
    const active = await idsOf({ status: "active", created_after: "2025-12-31T23:00:00+01:00", limit: 100 });
    expect(active.filter((id) => id.startsWith("user_u"))).toHaveLength(80);
    const { body } = await list({ limit: 1, role: "support", status: "disabled" });
    expect(body.items).toEqual([
      {
        ...{ id: "user_u000108", created_at: at(10), updated_at: null, status: "disabled", name: null },
        ...{ locale: null, metadata: {}, email: "x.b.u000108@list.test", roles: ["support", "user"] },
        ...{ match: null, match_is_pending: false, is_verified: true, disabled_at: null, deleted_at: null },
      },
    ]);
  });

  test("finds the start of an address in any spelling, and lists a user with two such addresses once", async () => {
    expect(await idsOf({ query: " X.U00010" })).toEqual(
      Array.from({ length: 10 }, (_, each) => `user_u00010${each}`),
    );
    const all = await idsOf({ query: "x.", limit: 7 });
    expect(all).toHaveLength(120);
    expect(new Set(all).size).toBe(120);
    const disabled = await idsOf({ query: "x.u", status: "disabled", limit: 10 });
    expect(disabled).toHaveLength(40);
    expect(await idsOf({ query: "x.u000001@list.test\u0000" })).toEqual([]);
    expect(await idsOf({ query: ".*" })).toEqual([]);
    expect(await idsOf({ query: "+65" })).toEqual([]);
  });

  test("finds deleted users by the addresses that they had, several with the same one page by page", async () => {
    const deleted: string[] = [];
    for (let turn = 0; turn < 3; turn++) {
      const { user_id } = await nest.signIn("left@example.com");
      await nest.call(`${V3}delete_user`, { user_id }, { internal: true });
      deleted.push(user_id);
    }
    const { user_id } = await nest.signIn("left@example.com");
    const asked = { query: "left@", limit: 1 };
    expect((await idsOf({ ...asked, status: "deleted" })).sort()).toEqual(deleted.sort());
    expect(await idsOf(asked)).toEqual([user_id]);
    const { body } = await list({ ...asked, status: "deleted" });
    expect(body.items[0]).toMatchObject({ match: "left@example.com", status: "deleted", email: null });
    expect(Date.parse(body.items[0].deleted_at)).toBeGreaterThan(Date.parse(body.items[0].created_at));
  });

  test("finds an address that users added and have not proved, also one that another user has, page by page", async () => {
    const people: string[] = [];
    for (const name of ["one", "two", "three"]) {
      const person = await nest.signIn(`${name}@pending.test`);
      await sentSecret(nest, person, email("wanted@example.com"));
      people.push(person.user_id);
    }
    const owner = await nest.signIn("wanted@example.com");
    const asked = { query: "wanted@", limit: 1 };
    expect((await idsOf(asked)).sort()).toEqual([owner.user_id, ...people].sort());
    const { items } = (await list({ query: "wanted@" })).body;
    for (const { id, ...item } of items)
      expect(item).toMatchObject({ match: "wanted@example.com", match_is_pending: id !== owner.user_id });
    // A user with two such addresses is listed at the first of them.
    const both = await nest.signIn("wanted.b@example.com");
    await sentSecret(nest, both, email("wanted.a@example.com"));
    expect((await list({ query: "wanted." })).body.items).toMatchObject([
      { id: both.user_id, match: "wanted.a@example.com", match_is_pending: true },
    ]);
    expect(await idsOf({ query: "wanted.", status: "deleted" })).toEqual([]);
  });

  test("tells the address that matches, and who has verified none", async () => {
    const claimed = { identifier_type: "email", identifier_value: "claimed@example.com" };
    await nest.call(`${V3}create_user`, { ...claimed, client_id: SIMPLE }, { internal: true });
    const { body } = await list({ query: "claim" });
    expect(body.items).toMatchObject([{ match: "claimed@example.com", is_verified: false }]);
  });

  test("refuses cursors of another filter or method, and forged ones", async () => {
    const cursorOf = async (body: object) => (await list({ limit: 1, ...body })).body.next_cursor as string;
    const cursor = await cursorOf({});
    const refused = [400, "validation_failed", ["cursor"]];
    expect(codeOf(await list({ cursor, status: "active" }))).toEqual(refused);
    expect(codeOf(await list({ cursor: await cursorOf({ query: "x." }) }))).toEqual(refused);
    expect(codeOf(await list({ cursor: await cursorOf({ status: "disabled" }), status: "active" }))).toEqual(
      refused,
    );
    const bearer = { bearer: support.access_token };
    const sessions = await nest.call(`${V3}list_sessions`, { cursor }, bearer);
    expect(codeOf(sessions)).toEqual(refused);
    const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (const value of [["a", "b"], ["a", "b", "c"], [{ $gt: "" }, "b", "c"], { a: 1 }])
      expect(codeOf(await list({ cursor: forged(value) }))).toEqual(refused);
    const empty = await list({ cursor: "" });
    expect([...codeOf(empty), empty.body.meta.name]).toEqual([...refused, "minLength"]);
    expect((await list({ cursor, limit: 3 })).status).toBe(200);
  });

  test.each([
    { limit: 0 },
    { limit: 101 },
    { query: "" },
    { created_after: "yesterday" },
    { status: "gone" },
  ])("refuses %j", async (body) => {
    expect(codeOf(await list(body))).toEqual([400, "validation_failed", [Object.keys(body)[0]]]);
  });

  test(`sends as many commands and reads as many documents for pages of ${MANY} users as for pages of 120`, async () => {
    const cases = [
      {},
      { status: "active" },
      { role: "support" },
      { role: "support", status: "disabled" },
      { query: "x.u" },
    ];
    // Two queries of a page and one more user, and two addresses of each user of the page.
    const most = 2 * 11 + 2 * 10;
    const few: number[][] = [];
    for (const body of cases) few.push(await costOf({ limit: 10, ...body }));
    for (let first = 120; first < MANY; first += BATCH) await store(first, Math.min(BATCH, MANY - first));
    const costs: string[] = [];
    for (const [each, body] of cases.entries()) {
      const pages = [await costOf({ limit: 10, ...body })];
      for (const cursor of [cursorAt(body, MANY / 2), cursorAt(body, 20)])
        pages.push(await costOf({ limit: 10, ...body, cursor }));
      for (const [commands, documents] of pages) {
        // The users of the same time are a command of their own.
        expect(commands).toBeLessThanOrEqual(Number(few[each]?.[0]) + 1);
        expect(documents).toBeLessThanOrEqual(most);
      }
      costs.push(`${JSON.stringify(body)} ${[few[each], ...pages].map((cost) => cost?.join("/")).join(" ")}`);
    }
    if (suiteOptions.isFaultsRun) console.log(`Commands/documents of pages:\n${costs.join("\n")}`);
  });
});

/** The cursor of a page that begins below a user. @param number of the user; the page of user 0 is the last one */
function cursorAt(filter: { query?: string }, number: number): string {
  const name = nameOf(filter.query === undefined ? number : MANY - number);
  const position =
    filter.query === undefined
      ? { createdAt: at(Math.floor(number / 10)), _id: `user_${name}` }
      : { createdAt: `x.${name}@list.test`, _id: `userident_${name}` };
  return cursorAfter(position, { method: "list_users", filter });
}

/** How many find commands a call sends to the lists' collections, and how many documents they examine. */
async function costOf(body: object): Promise<number[]> {
  const finds: Document[] = [];
  const note = ({ commandName, command }: CommandStartedEvent) => {
    if (
      commandName === "find" &&
      ["users", "identifiers", "pending_identifiers"].includes(String(command.find))
    )
      finds.push(command);
  };
  const { client, database } = nest.gateway.mongo;
  client.on("commandStarted", note);
  expect((await list(body)).status).toBe(200);
  client.off("commandStarted", note);
  let documents = 0;
  for (const { find, filter, sort, limit } of finds) {
    const asked = { find, filter, ...(sort && { sort }), ...(limit && { limit }) };
    // An engine that does not say what it examined returns at least what it read; query_indexes.test.ts checks its indexes.
    const { executionStats } = await database.command({ explain: asked, verbosity: "executionStats" });
    const { cursor } = await database.command({ ...asked, batchSize: 1000 });
    documents += Number(executionStats?.totalDocsExamined ?? cursor.firstBatch.length);
  }
  return [finds.length, documents];
}
