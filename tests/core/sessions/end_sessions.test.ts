import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MINUTE } from "#core/clock.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { type Reply, startNest, type TestNest, type Tokens, V2, WINDOWS } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { setRoles } from "#tests/support/roles.ts";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const CALLERS = 50;

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({ environment: { LIMIT_LINKS_PER_KNOWN_DEVICE: "0", LIMIT_MAILS_PER_HOUR: "0" } });
});
afterAll(() => nest.stop());

let people = 0;
/** Signs one person in several times. */
async function signIns(count: number): Promise<[Tokens, ...Tokens[]]> {
  const address = `person-${++people}@example.com`;
  const list: Tokens[] = [];
  for (let each = 0; each < count; each++) {
    const device = { platform: "mac", beak_id: `${address} ${each}`, fingerprint: `${address} ${each}` };
    list.push(await nest.signIn(address, { device }));
  }
  return list as [Tokens, ...Tokens[]];
}
const call = (method: string, tokens: Tokens, body?: object): Promise<Reply> =>
  nest.call(`${V3}${method}`, body, { bearer: tokens.access_token });
const asInternal = (method: string, body: object) => nest.call(`${V3}${method}`, body, { internal: true });
const isAlive = async (tokens: Tokens) => (await call("get_user", tokens)).status === 200;
const idOf = async (tokens: Tokens): Promise<string> => {
  const { body } = await call("list_sessions", tokens);
  return body.items.find(({ current }: { current: boolean }) => current).id;
};
const storedOf = ({ user_id }: Tokens) => nest.collection("sessions").find({ userId: user_id }).toArray();
/** The events of a person's ended sessions. */
const endsOf = async ({ user_id }: Tokens) =>
  (await nest.moveEvents()).filter(
    ({ action, userId }) => action === "session.revoked" && userId === user_id,
  );
/** Makes the sign-ins of a person as old as `seconds`. */
async function age({ user_id }: Tokens, seconds: number): Promise<void> {
  const authTime = new Date(nest.clock.now().getTime() - seconds * 1000).toISOString();
  await nest.collection("sessions").updateMany({ userId: user_id }, { $set: { authTime } });
}
const STALE = 10 * MINUTE + 1;

test("a session that a sign-in stored after the end of all sessions is in no list", async () => {
  const [late, current] = await signIns(2);
  if (!current) throw new Error("the person has one session");
  const kept = await idOf(current);
  // As `revoke_all_sessions` does, if it has not seen the session that is stored late.
  await nest.gateway.core.users.endSessions(current.user_id, nest.clock.now().toISOString(), kept);
  expect(await isAlive(late)).toBe(false);
  const { body } = await call("list_sessions", current);
  expect(body.items.map(({ id }: { id: string }) => id)).toEqual([kept]);
  const user = { user_id: current.user_id };
  const older = await nest.call(`${V2}list_sessions`, user, { bearer: current.access_token });
  expect(older.body.map(({ id }: { id: string }) => id)).toEqual([kept]);
});

describe("revoke_session of 2026-12-01", () => {
  test("ends the current session if it names none, whatever its age", async () => {
    const [mine, other] = (await signIns(2)) as [Tokens, Tokens];
    await age(mine, STALE);
    const { status, body } = await call("revoke_session", mine);
    expect([status, body]).toEqual([200, { revoked_at: expect.stringMatching(ISO) }]);
    expect([await isAlive(mine), await isAlive(other)]).toEqual([false, true]);
    expect((await nest.refresh(mine.refresh_token)).body.code).toBe("authorization_not_found");
    const ended = (await storedOf(mine)).filter(({ revokedAt }) => revokedAt !== null);
    expect(ended).toMatchObject([{ revokedAt: body.revoked_at, revokedReason: "signed_out" }]);
  });

  test("ends another session of a user who signed in within 10 minutes, and refuses a user who did not", async () => {
    const [mine, other] = (await signIns(2)) as [Tokens, Tokens];
    const session_id = await idOf(other);
    await age(mine, STALE);
    const refused = await call("revoke_session", mine, { session_id });
    expect([refused.status, refused.body]).toEqual([403, { code: "reauthentication_required" }]);
    expect(await isAlive(other)).toBe(true);
    await age(mine, 10 * MINUTE - 30);
    const { body } = await call("revoke_session", mine, { session_id, user_id: mine.user_id });
    expect([await isAlive(mine), await isAlive(other)]).toEqual([true, false]);
    nest.clock.advance(1);
    expect((await call("revoke_session", mine, { session_id })).body, "it ended once").toEqual(body);
    expect((await storedOf(mine)).map(({ revokedReason }) => revokedReason)).toContain("revoked_by_user");
  });

  test("answers session_not_found for a session of another user and for one that does not exist", async () => {
    const [mine] = await signIns(1);
    const [stranger] = await signIns(1);
    for (const session_id of [await idOf(stranger), "session_nobody"]) {
      const reply = await call("revoke_session", mine, { session_id });
      expect([reply.status, reply.body]).toEqual([404, { code: "session_not_found" }]);
      // The age of the sign-in is judged first, so a stale session reveals nothing about ids.
      await age(mine, STALE);
      expect((await call("revoke_session", mine, { session_id })).body.code).toBe(
        "reauthentication_required",
      );
      await age(mine, 0);
    }
    expect(await isAlive(stranger)).toBe(true);
  });

  test("ends any session for an internal caller, who must name user and session", async () => {
    const [mine] = await signIns(1);
    const session_id = await idOf(mine);
    await age(mine, STALE);
    for (const body of [{}, { session_id }, { user_id: mine.user_id }])
      expect((await asInternal("revoke_session", body)).body, JSON.stringify(body)).toEqual({
        code: "access_denied",
      });
    expect(await isAlive(mine)).toBe(true);
    const reply = await asInternal("revoke_session", { user_id: mine.user_id, session_id });
    expect(reply.status).toBe(200);
    expect(await isAlive(mine)).toBe(false);
    expect(await storedOf(mine)).toMatchObject([{ revokedReason: "revoked_by_operator" }]);
  });

  test("lists and ends sessions of another user for a caller with sessions.manage only, and records the caller", async () => {
    const [mine, second, third] = await signIns(3);
    const [support] = await signIns(1);
    const whose = { user_id: mine.user_id };
    const session_id = await idOf(mine);
    const ask = () => [
      call("list_sessions", support, whose),
      call("revoke_session", support, { ...whose, session_id }),
      call("revoke_all_sessions", support, whose),
    ];
    for (const refused of await Promise.all(ask())) expect(refused.body).toEqual({ code: "access_denied" });
    await setRoles(nest, support.user_id, ["support"]);
    await setRoles(nest, mine.user_id, ["admin"]);
    for (const refused of (await Promise.all(ask())).slice(1))
      expect(refused.body).toEqual({ code: "capability_escalation" });
    await nest.collection("users").updateOne({ _id: mine.user_id as never }, { $unset: { roles: "" } });
    await age(support, STALE);
    const listed = await call("list_sessions", support, whose);
    expect(listed.body.items.map(({ current }: { current: boolean }) => current)).toEqual([
      false,
      false,
      false,
    ]);
    expect((await call("revoke_session", support, { ...whose, session_id })).status).toBe(200);
    expect((await call("revoke_all_sessions", support, whose)).body).toEqual({ revoked: 2 });
    expect(await Promise.all([mine, second, third, support].map((one) => isAlive(one as Tokens)))).toEqual([
      ...[false, false, false, true],
    ]);
    for (const { actor, data } of await endsOf(mine))
      expect([actor, data.reason]).toEqual([{ type: "user", id: support.user_id }, "revoked_by_operator"]);
  });

  test(`gives ${CALLERS} calls at once the same time, and records one event`, async () => {
    const [mine, other] = (await signIns(2)) as [Tokens, Tokens];
    const session_id = await idOf(other);
    const replies = await atOnce(() => call("revoke_session", mine, { session_id }), CALLERS);
    const times = new Set(replies.map(({ status, body }) => `${status} ${body.revoked_at}`));
    expect(times.size).toBe(1);
    const [session] = await nest
      .collection("sessions")
      .find({ _id: session_id as never })
      .toArray();
    expect([...times]).toEqual([`200 ${session?.revokedAt}`]);
    const rows = (await endsOf(mine)).filter(({ target }) => target.id === session_id);
    expect(rows).toHaveLength(1);
  });
});

describe("revoke_all_sessions", () => {
  test("ends every other session, and the current one too if except_current is false", async () => {
    const [mine, ...others] = await signIns(4);
    expect((await call("revoke_all_sessions", mine)).body).toEqual({ revoked: 3 });
    expect(await isAlive(mine)).toBe(true);
    for (const other of others) {
      expect(await isAlive(other)).toBe(false);
      expect((await nest.refresh(other.refresh_token)).body.code).toBe("authorization_not_found");
    }
    expect((await call("revoke_all_sessions", mine, { except_current: true })).body).toEqual({ revoked: 0 });
    expect((await call("revoke_all_sessions", mine, { except_current: false })).body).toEqual({ revoked: 1 });
    expect(await isAlive(mine)).toBe(false);
  });

  test("leaves the sessions of other users alone, and records an event for each session", async () => {
    const [mine, other] = (await signIns(2)) as [Tokens, Tokens];
    const [stranger] = await signIns(1);
    const ids = [await idOf(mine), await idOf(other)].sort();
    await call("revoke_all_sessions", mine, { except_current: false });
    expect(await isAlive(stranger)).toBe(true);
    const rows = await endsOf(mine);
    expect(rows.map(({ target }) => target.id).sort()).toEqual(ids);
    const reasons = rows.map(({ data }) => data.reason).sort();
    expect(reasons).toEqual(["revoked_by_user", "signed_out"]);
  });

  test("refuses a user who signed in more than 10 minutes ago, before and after a refresh", async () => {
    const [mine, other] = (await signIns(2)) as [Tokens, Tokens];
    await age(mine, STALE);
    const refused = await call("revoke_all_sessions", mine);
    expect([refused.status, refused.body]).toEqual([403, { code: "reauthentication_required" }]);
    const { body: refreshed } = await nest.refresh(mine.refresh_token);
    expect((await call("revoke_all_sessions", refreshed)).body.code).toBe("reauthentication_required");
    expect(await isAlive(other)).toBe(true);
    await age(mine, 10 * MINUTE - 30);
    expect((await call("revoke_all_sessions", refreshed)).body).toEqual({ revoked: 1 });
  });

  test("counts the age of a session of the previous release from its start", async () => {
    const [mine] = await signIns(1);
    const fields = { $unset: { authTime: "", amr: "" } } as const;
    await nest.collection("sessions").updateMany({ userId: mine.user_id }, fields);
    expect((await call("revoke_all_sessions", mine)).status).toBe(200);
    const createdAt = new Date(nest.clock.now().getTime() - STALE * 1000).toISOString();
    await nest.collection("sessions").updateMany({ userId: mine.user_id }, { $set: { createdAt } });
    expect((await call("revoke_all_sessions", mine)).body.code).toBe("reauthentication_required");
  });

  test("refuses another user's sessions, and ends all of a user for an internal caller", async () => {
    const [mine] = await signIns(2);
    const [stranger] = await signIns(1);
    const user_id = mine.user_id;
    expect((await call("revoke_all_sessions", stranger, { user_id })).body).toEqual({
      code: "access_denied",
    });
    expect((await asInternal("revoke_all_sessions", {})).body).toEqual({ code: "access_denied" });
    await age(mine, STALE);
    expect((await asInternal("revoke_all_sessions", { user_id })).body).toEqual({ revoked: 2 });
    expect(await isAlive(mine)).toBe(false);
  });

  test("counts each session once when 50 calls race", async () => {
    const [mine, ...others] = await signIns(6);
    const replies = await atOnce(() => call("revoke_all_sessions", mine), CALLERS);
    const counts: number[] = replies.map(({ body }) => body.revoked);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(others.length);
    expect((await storedOf(mine)).filter(({ revokedAt }) => revokedAt === null)).toHaveLength(1);
  });

  test("leaves no session to refreshes that race it", async () => {
    for (let round = 0; round < 10; round++) {
      const [mine, ...others] = await signIns(4);
      const [ended, ...refreshes] = await Promise.all([
        call("revoke_all_sessions", mine),
        ...others.flatMap(({ refresh_token }) => [nest.refresh(refresh_token), nest.refresh(refresh_token)]),
      ]);
      expect(ended.body).toEqual({ revoked: others.length });
      const got = refreshes.filter(({ status }) => status === 200).map(({ body }) => body as Tokens);
      for (const tokens of [...others, ...got]) {
        expect(await isAlive(tokens)).toBe(false);
        expect((await nest.refresh(tokens.refresh_token)).body.code).toBe("authorization_not_found");
      }
      expect(await isAlive(mine)).toBe(true);
    }
  });
});

test("the 2021 form of revoke_session ends another session at any age and answers 204", async () => {
  const [mine, other] = (await signIns(2)) as [Tokens, Tokens];
  const session_id = await idOf(other);
  await age(mine, STALE);
  const body = { user_id: mine.user_id, session_id };
  const reply = await nest.call(`${V2}revoke_session`, body, { bearer: mine.access_token });
  expect([reply.status, reply.raw]).toEqual([204, ""]);
  expect(await isAlive(other)).toBe(false);
});

describe("list_sessions of 2026-12-01", () => {
  test("lists the caller's active sessions with client, program and sign-in, the newest first", async () => {
    const address = `lister-${++people}@example.com`;
    const device = { platform: "mac", beak_id: "b", fingerprint: "f" };
    const first = await nest.signIn(address, { device });
    nest.clock.advance(5);
    const second = await nest.signIn(address, { client_id: WINDOWS, device: undefined });
    const { status, body } = await call("list_sessions", second);
    expect(status).toBe(200);
    const [newest] = body.items;
    expect(body).toEqual({
      items: [
        { ...newest, current: true, client_id: WINDOWS, device: null },
        {
          id: await idOf(first),
          current: false,
          client_id: first.client_id,
          device: {
            platform: "mac",
            beak_id: expect.stringMatching(/^[0-9a-f]{64}$/),
            fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
          },
          ip: "203.0.113.9",
          user_agent: null,
          created_at: expect.stringMatching(ISO),
          last_used_at: expect.stringMatching(ISO),
          expires_at: expect.stringMatching(ISO),
          auth_time: expect.stringMatching(ISO),
          amr: ["link"],
        },
      ],
      next_cursor: null,
    });
    expect(newest.auth_time).toBe(newest.created_at);
    await call("revoke_session", first);
    expect((await call("list_sessions", second)).body.items).toHaveLength(1);
    const named = await asInternal("list_sessions", { user_id: second.user_id });
    expect(named.body.items).toMatchObject([{ id: newest.id, current: false }]);
  });

  test("pages through 23 sessions, some of the same time, without gaps or repeats while others start and end", async () => {
    const [mine] = await signIns(1);
    const [session] = await storedOf(mine);
    const start = Date.parse(String(session?.createdAt));
    const copy = (number: number) => ({
      ...session,
      _id: `session_copy${String(number).padStart(2, "0")}` as never,
      // Three at a time share their time.
      createdAt: new Date(start - Math.floor(number / 3) * 1000).toISOString(),
    });
    await nest.collection("sessions").insertMany(Array.from({ length: 22 }, (_, number) => copy(number)));
    const seen: string[] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const { body }: Reply = await call("list_sessions", mine, { limit: 5, ...(cursor && { cursor }) });
      seen.push(...body.items.map(({ id }: { id: string }) => id));
      cursor = body.next_cursor;
      pages++;
      if (pages === 2) {
        const later = { ...copy(0), _id: "session_later" as never };
        later.createdAt = new Date(start + 60_000).toISOString();
        await nest.collection("sessions").insertOne(later);
        await nest.collection("sessions").deleteOne({ _id: seen.at(-1) as never });
      }
    } while (cursor !== null);
    expect(pages).toBe(5);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toHaveLength(23);
    expect(seen).not.toContain("session_later");
  });

  test("answers 50 items if no limit is named", async () => {
    const [mine] = await signIns(1);
    const [session] = await storedOf(mine);
    const copies = Array.from({ length: 50 }, (_, number) => ({
      ...session,
      _id: `${people} ${number}` as never,
    }));
    await nest.collection("sessions").insertMany(copies);
    const { body } = await call("list_sessions", mine);
    expect(body.items).toHaveLength(50);
    const rest = await call("list_sessions", mine, { cursor: body.next_cursor });
    expect([rest.body.items.length, rest.body.next_cursor]).toEqual([1, null]);
  });

  test.each([
    ["a limit of 0", { limit: 0 }],
    ["a limit of 101", { limit: 101 }],
    ["half a limit", { limit: 1.5 }],
    ["a limit as text", { limit: "5" }],
    ["a cursor that is no base64url", { cursor: "%%%" }],
    ["a cursor of something else", { cursor: Buffer.from('{"$gt":""}').toString("base64url") }],
    ["a cursor with an object", { cursor: Buffer.from('[{"$gt":""},"x"]').toString("base64url") }],
    ["an empty cursor", { cursor: "" }],
    ["a long cursor", { cursor: "x".repeat(201) }],
  ])("refuses %s", async (_what, body) => {
    const [mine] = await signIns(1);
    const reply = await call("list_sessions", mine, body);
    expect([reply.status, reply.body.code]).toEqual([400, "validation_failed"]);
    expect(reply.body.meta.path).toEqual([Object.keys(body)[0]]);
  });
});
