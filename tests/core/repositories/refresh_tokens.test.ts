import { afterAll, beforeAll, expect, test } from "vitest";
import { AccessTokenRepository } from "#core/repositories/access_tokens.ts";
import {
  type RefreshToken,
  RefreshTokenRepository,
  type Rotation,
} from "#core/repositories/refresh_tokens.ts";
import { atOnce, moment, rounds } from "#tests/support/concurrency.ts";
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

test("rotates a token once when many calls race, and stores the winner's successor", async () => {
  await rounds(async (round) => {
    const id = `rotated-${round}`;
    await refreshTokens.insertIfAbsent(token(id));
    const rotated = await atOnce((caller) => refreshTokens.rotate(id, rotation(caller)));
    const winner = rotated.findIndex((document) => document !== null);
    expect(rotated.filter((document) => document !== null)).toHaveLength(1);
    expect((await refreshTokens.find(id))?.rotation).toEqual(rotation(winner));
  });
});

test("inserts a successor once when many calls race, and no call fails", async () => {
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

test("shortens how long a used token is kept, and never extends it", async () => {
  const purgeAt = async (id: string) => (await refreshTokens.find(id))?.purgeAt;
  await refreshTokens.insertIfAbsent(token("predecessor"));
  await refreshTokens.insertIfAbsent(token("unused"));
  await refreshTokens.rotate("predecessor", rotation(1));
  for (const id of ["predecessor", "unused"]) await refreshTokens.purgeUsed(id, new Date("2029-01-01"));
  await refreshTokens.purgeUsed("predecessor", new Date("2029-06-01"));
  expect(await purgeAt("predecessor")).toEqual(new Date("2029-01-01"));
  expect(await purgeAt("unused")).toEqual(new Date("2030-01-01"));
});

test("reports the revocation of a refresh token to one of many racing calls, and refuses later rotations", async () => {
  await rounds(async (round) => {
    const id = `revoked-${round}`;
    await refreshTokens.insertIfAbsent(token(id));
    const revoked = await atOnce((caller) => refreshTokens.revoke(id, moment(caller)));
    expect(revoked.filter(Boolean)).toHaveLength(1);
    const ended = await refreshTokens.find(id);
    expect(ended).toMatchObject({ revokedAt: moment(revoked.indexOf(true)), rotation: null });
    const rotated = await atOnce((caller) => refreshTokens.rotate(id, rotation(caller)));
    expect(rotated.every((document) => document === null)).toBe(true);
    expect(await refreshTokens.find(id)).toEqual(ended);
  });
});

test("reports the revocation of an access token to one of many racing calls, and keeps its time", async () => {
  const accessTokens = new AccessTokenRepository(opened.database);
  await rounds(async (round) => {
    const { rotation: _none, usedAt: _never, key: _hash, ...record } = token(`access-${round}`);
    await accessTokens.insertOrExtend(record);
    const revoked = await atOnce((caller) => accessTokens.revoke(record._id, moment(caller)));
    expect(revoked.filter(Boolean)).toHaveLength(1);
    expect(await accessTokens.find(record._id)).toMatchObject({ revokedAt: moment(revoked.indexOf(true)) });
  });
});
