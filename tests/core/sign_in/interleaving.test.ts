import { afterAll, beforeAll, expect, test } from "vitest";
import { issuer, oauthClients, rateLimiter, refreshKeys, signer } from "#core/parts.ts";
import { redeemAuthorizationCode } from "#core/sign_in/grants/authorization_code.ts";
import { rotateRefreshToken } from "#core/sign_in/grants/refresh_token.ts";
import { ensureUser } from "#core/users/sign_in_user.ts";
import { openParts } from "#entry/open_parts.ts";
import { MAC, REDIRECT, startNest, type TestNest, V2, VERIFIER } from "#tests/support/nest.ts";

const past = "2020-01-01T00:00:00.000Z";
let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

const newCall = () => ({ requestId: "r", ip: "203.0.113.9", userAgent: null, deadline: Date.now() + 4500 });

const openedCore = () => openParts(nest.gateway, { issuer, oauthClients, rateLimiter, refreshKeys, signer });

/** A core before one of whose steps something else happens, as if another process were faster. */
function interrupted<Room extends "authorizations" | "refreshTokens" | "sessions">(
  room: Room,
  step: keyof ReturnType<typeof openedCore>[Room] & string,
  meanwhile: () => Promise<unknown>,
): ReturnType<typeof openedCore> {
  const opened = openedCore();
  const target = opened[room];
  const faked = new Proxy(target, {
    get(object, name) {
      const value = Reflect.get(object, name, object);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        if (name === step) await meanwhile();
        return Reflect.apply(value, object, args);
      };
    },
  });
  return { ...opened, [room]: faked };
}

test.each([
  ["revoked", { revokedAt: past }, "authorization_not_found"],
  ["burnt", { failedRedemptions: 10 }, "authorization_not_found"],
  ["spent", { usedAt: past }, "token_used"],
  ["ended", { expiresAt: past }, "token_expired"],
])(
  "a link that is %s between the look at it and its spending signs nobody in, and says so",
  async (_how, change, code) => {
    const sent = await nest.emailedCode({ identifier_value: "between@example.com" });
    const [id = ""] = sent.split(".");
    const core = interrupted("authorizations", "redeem", () =>
      nest.collection("authorizations").updateOne({ _id: id }, { $set: change }),
    );
    const grant = { clientId: MAC, code: sent, codeVerifier: VERIFIER, redirectUri: REDIRECT };
    await expect(redeemAuthorizationCode(core, grant, newCall())).rejects.toMatchObject({ code });
    expect(await nest.collection("sessions").countDocuments({ "rootGrant.value": id })).toBe(0);
    expect(await nest.collection("authorizations").findOne({ _id: id })).toMatchObject(change);
  },
);

test("a session that ends while its token is refreshed stays as it ended, and nobody is answered with tokens", async () => {
  const tokens = await nest.signIn("ends@example.com");
  const ended = { revokedAt: past, revokedReason: "signed_out" };
  const core = interrupted("sessions", "advance", () =>
    nest.collection("sessions").updateOne({ userId: tokens.user_id }, { $set: ended }),
  );
  const refreshing = rotateRefreshToken(
    core,
    { clientId: MAC, refreshToken: tokens.refresh_token },
    newCall(),
  );
  await expect(refreshing).rejects.toMatchObject({ code: "authorization_not_found" });
  const session = await nest.collection("sessions").findOne({ userId: tokens.user_id });
  expect(session).toMatchObject({ ...ended, generation: 1 });
});

test("whoever loses the race for an address to a process that then died still gets a whole user", async () => {
  const { core } = nest.gateway;
  const winner = {
    _id: "userident_winner",
    userId: "user_winner",
    identifierType: "email",
    identifierValue: "raced@example.com",
    createdAt: past,
    updatedAt: null,
    verifiedAt: null,
    removedAt: null,
  };
  await nest.collection("identifiers").insertOne(winner);
  const before = await nest.collection("users").countDocuments();
  const found = await ensureUser(core, "raced@example.com", null, new Date().toISOString());
  expect(found).toMatchObject({ _id: winner._id, userId: winner.userId });
  expect(await nest.collection("users").findOne({ _id: "user_winner" })).toMatchObject({ createdAt: past });
  expect(await nest.collection("users").countDocuments()).toBe(before + 1);
});

test("an address that was removed from its user is free: whoever proves it next is another user", async () => {
  const first = await nest.signIn("removed@example.com");
  await nest
    .collection("identifiers")
    .updateOne({ identifierValue: "removed@example.com" }, { $set: { removedAt: past } });
  const second = await nest.signIn("removed@example.com");
  expect(second.user_id).not.toBe(first.user_id);
  const bearer = { bearer: first.access_token };
  const user = await nest.call(`${V2}get_user`, { user_id: first.user_id }, bearer);
  expect(user.body.identifiers).toMatchObject([{ removed_at: past }]);
});
