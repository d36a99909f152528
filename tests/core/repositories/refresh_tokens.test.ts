import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type RefreshToken,
  RefreshTokenRepository,
  type Rotation,
} from "#core/repositories/refresh_tokens.ts";
import { atOnce, moment, rounds } from "#tests/support/at_once.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let refreshTokens: RefreshTokenRepository;
beforeAll(async () => {
  opened = await openFreshDatabase();
  refreshTokens = new RefreshTokenRepository(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

const token = (_id: string, createdAt = moment(0)): RefreshToken => ({
  _id,
  key: "hash",
  clientId: "client",
  userId: "user",
  sessionId: "session",
  generation: 1,
  grant: { type: "authorization_code", value: "code" },
  rootGrant: { type: "authorization_code", value: "code" },
  cidrBlocks: [],
  createdAt,
  expiresAt: moment(1000),
  usedAt: null,
  revokedAt: null,
  rotation: null,
  purgeAt: new Date("2030-01-01"),
});
const rotation = (caller: number): Rotation => ({
  successorId: `successor-${caller}`,
  salt: "salt",
  keyId: "key",
  usedAt: moment(caller),
  network: "203.0.113.9/32",
});

test("of many who rotate a token at once, one does, and its successor is the one that is fixed", async () => {
  await rounds(async (round) => {
    const id = `rotated-${round}`;
    await refreshTokens.insert(token(id));
    const rotated = await atOnce((caller) => refreshTokens.rotate(id, rotation(caller)));
    const winner = rotated.findIndex((document) => document !== null);
    expect(rotated.filter((document) => document !== null)).toHaveLength(1);
    expect((await refreshTokens.find(id))?.rotation).toEqual(rotation(winner));
  });
});

test("a successor that many insert at once is there once, and nobody fails", async () => {
  await rounds(async (round) => {
    const id = `successor-${round}`;
    await atOnce((caller) => refreshTokens.insertIfAbsent(token(id, moment(caller))));
    const first = await refreshTokens.find(id);
    expect(first).toMatchObject({ usedAt: null });
    await refreshTokens.rotate(id, rotation(1));
    await atOnce((caller) => refreshTokens.insertIfAbsent(token(id, moment(caller))));
    expect(await refreshTokens.find(id)).toEqual({ ...first, usedAt: moment(1), rotation: rotation(1) });
  });
});
