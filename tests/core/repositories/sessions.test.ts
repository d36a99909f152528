import { expect, test } from "vitest";
import { type Session, SessionRepository } from "#core/repositories/sessions.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

const NOW = "2026-01-01T00:00:00.000Z";
const LATER = "2026-06-01T00:00:00.000Z";
const END = "2027-01-01T00:00:00.000Z";
const session: Session = {
  _id: "session_1",
  userId: "user_1",
  clientId: "client_1",
  rootGrant: { type: "authorization_code", value: "authzcode_1" },
  device: null,
  ip: "203.0.113.9",
  userAgent: null,
  createdAt: NOW,
  lastUsedAt: LATER,
  generation: 3,
  acknowledgedGeneration: 2,
  expiresAt: END,
  revokedAt: null,
  revokedReason: null,
  purgeAt: new Date(END),
};

test("what arrives late sets a session back in nothing: neither its generation nor what was seen nor its end", async () => {
  await using opened = await openFreshDatabase();
  const sessions = new SessionRepository(opened.database);
  await sessions.insert(session);
  await sessions.acknowledge(session._id, 1);
  const late = { generation: 2, now: NOW, expiresAt: LATER, purgeAt: new Date(LATER) };
  expect(await sessions.advance(session._id, late)).toBe(true);
  expect(await sessions.find(session._id)).toEqual(session);
});

test("the first reason for which a session ended stays, and of 50 that end it one is told so", async () => {
  await using opened = await openFreshDatabase();
  const sessions = new SessionRepository(opened.database);
  await sessions.insert(session);
  const ends = (at: string) =>
    Promise.all(Array.from({ length: 50 }, () => sessions.revoke(session._id, "signed_out", at)));
  expect((await ends(NOW)).filter(Boolean)).toHaveLength(1);
  expect(await sessions.revoke(session._id, "refresh_token_reuse", LATER)).toBe(false);
  expect(await sessions.find(session._id)).toEqual({
    ...session,
    revokedAt: NOW,
    revokedReason: "signed_out",
  });
});
