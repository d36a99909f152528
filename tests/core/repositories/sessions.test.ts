import { afterAll, beforeAll, expect, test } from "vitest";
import { BY_OPERATOR } from "#core/events/event_source.ts";
import { revocation } from "#core/events/session_revoked.ts";
import { type RevokedReason, type Session, SessionRepository } from "#core/repositories/sessions.ts";
import { atOnce, CALLERS, moment, rounds } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let sessions: SessionRepository;
beforeAll(async () => {
  opened = await openFreshDatabase();
  sessions = new SessionRepository(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

const session = (_id: string): Session => ({
  _id,
  userId: "user",
  clientId: "client",
  rootGrant: { type: "authorization_code", value: "code" },
  device: null,
  ip: "203.0.113.9",
  userAgent: null,
  createdAt: moment(0),
  lastUsedAt: moment(0),
  generation: 1,
  acknowledgedGeneration: 0,
  expiresAt: moment(0),
  revokedAt: null,
  revokedReason: null,
  purgeAt: new Date("2030-01-01"),
});
const revoked = (_id: string, reason: RevokedReason, second: number) =>
  revocation({ _id, userId: "user" }, reason, BY_OPERATOR, moment(second));
const advance = (id: string, generation: number) =>
  sessions.advance(id, {
    generation,
    now: moment(generation),
    expiresAt: moment(generation),
    purgeAt: new Date("2030-01-02"),
  });

test("raises a session to the highest generation when refreshes race, and never lowers it", async () => {
  await rounds(async (round) => {
    const id = `advanced-${round}`;
    await sessions.insertIfAbsent(session(id));
    const stood = await atOnce((caller) => advance(id, CALLERS - caller));
    expect(stood.every(Boolean)).toBe(true);
    const highest = { generation: CALLERS, lastUsedAt: moment(CALLERS), expiresAt: moment(CALLERS) };
    expect(await sessions.find(id)).toMatchObject(highest);
  });
});

test("keeps a session revoked when refreshes race with the revocation, and reports it to later refreshes", async () => {
  await rounds(async (round) => {
    const id = `revoked-${round}`;
    await sessions.insertIfAbsent(session(id));
    await atOnce<unknown>((caller) =>
      caller === 2 * round ? sessions.revoke(id, revoked(id, "signed_out", 99)) : advance(id, caller + 2),
    );
    const ended = (await sessions.find(id)) as Session;
    expect(ended.revokedAt).toBe(moment(99));
    expect(await atOnce((caller) => advance(id, 100 + caller), 3)).toEqual([false, false, false]);
    expect(await sessions.find(id)).toEqual(ended);
  });
});

test("keeps the highest acknowledged generation when many are acknowledged at once", async () => {
  await rounds(async (round) => {
    const id = `seen-${round}`;
    await sessions.insertIfAbsent(session(id));
    await atOnce((caller) => sessions.acknowledge(id, CALLERS - caller));
    expect(await sessions.find(id)).toMatchObject({ acknowledgedGeneration: CALLERS });
  });
});

test("revokes a session once when many calls race, and keeps the first reason", async () => {
  const reasons: RevokedReason[] = ["signed_out", "revoked_by_user", "refresh_token_reuse"];
  await rounds(async (round) => {
    const id = `ended-${round}`;
    await sessions.insertIfAbsent(session(id));
    const reason = (caller: number) => reasons[caller % reasons.length] as RevokedReason;
    const ended = await atOnce((caller) => sessions.revoke(id, revoked(id, reason(caller), caller)));
    expect(ended.filter(Boolean)).toHaveLength(1);
    const winner = ended.indexOf(true);
    expect(await sessions.find(id)).toMatchObject({
      revokedReason: reason(winner),
      revokedAt: moment(winner),
    });
  });
});
