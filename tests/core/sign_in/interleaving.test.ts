import { afterAll, beforeAll, expect, test } from "vitest";
import { BY_OPERATOR } from "#core/events/event_source.ts";
import { authorizationCode } from "#core/sign_in/grants/authorization_code.ts";
import { refreshToken } from "#core/sign_in/grants/refresh_token.ts";
import { ensureUser } from "#core/users/sign_in_user.ts";
import { openSignInCore, type SignInCore } from "#tests/support/altered_core.ts";
import { MAC, REDIRECT, startNest, type TestNest, V2, VERIFIER } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

const past = "2020-01-01T00:00:00.000Z";
let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

const newCall = () => ({ requestId: "r", ip: "203.0.113.9", userAgent: null });

/** A core that runs `meanwhile` before each call of one repository method, as if another process were faster. */
function interrupted<Name extends "authorizations" | "refreshTokens" | "sessions">(
  repository: Name,
  method: keyof SignInCore[Name] & string,
  meanwhile: () => Promise<unknown>,
): SignInCore {
  const opened = openSignInCore(nest);
  const target = opened[repository];
  const faked = new Proxy(target, {
    get(object, name) {
      const value = Reflect.get(object, name, object);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        if (name === method) await meanwhile();
        return Reflect.apply(value, object, args);
      };
    },
  });
  return { ...opened, [repository]: faked };
}

test.each([
  ["revoked", { revokedAt: past }, "authorization_not_found"],
  ["blocked by failures", { failedRedemptions: 10 }, "authorization_not_found"],
  ["redeemed", { usedAt: past }, "token_used"],
  ["expired", { expiresAt: past }, "token_expired"],
])("refuses a link that is %s between the check and the redeeming update", async (_how, change, code) => {
  const sent = await nest.emailedCode({ identifier_value: "between@example.com" });
  const [id = ""] = sent.split(".");
  const core = interrupted("authorizations", "redeem", () =>
    nest.collection("authorizations").updateOne({ _id: id }, { $set: change }),
  );
  const request = { client_id: MAC, code: sent, code_verifier: VERIFIER, redirect_uri: REDIRECT };
  await expect(authorizationCode.redeem(core, request, newCall())).rejects.toMatchObject({ code });
  expect(await nest.collection("sessions").countDocuments({ "rootGrant.value": id })).toBe(0);
  expect(await nest.collection("authorizations").findOne({ _id: id })).toMatchObject(change);
});

test("issues no tokens if the session is revoked during a refresh, and leaves the session as it was revoked", async () => {
  const tokens = await nest.signIn("ends@example.com");
  const ended = { revokedAt: past, revokedReason: "signed_out" };
  const core = interrupted("sessions", "advance", () =>
    nest.collection("sessions").updateOne({ userId: tokens.user_id }, { $set: ended }),
  );
  const request = { client_id: MAC, refresh_token: tokens.refresh_token };
  const refreshing = refreshToken.redeem(core, request, newCall());
  await expect(refreshing).rejects.toMatchObject({ code: "authorization_not_found" });
  const session = await nest.collection("sessions").findOne({ userId: tokens.user_id });
  expect(session).toMatchObject({ ...ended, generation: 1 });
});

test("creates the missing user of an identifier whose creator stopped before it wrote the user", async () => {
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
  const found = await ensureUser(
    core,
    { identity: "raced@example.com", found: null, source: BY_OPERATOR },
    new Date().toISOString(),
  );
  expect(found).toMatchObject({ _id: winner._id, userId: winner.userId });
  expect(await nest.collection("users").findOne({ _id: "user_winner" })).toMatchObject({ createdAt: past });
  expect(await nest.collection("users").countDocuments()).toBe(before + 1);
});

test("an address that was removed from its user signs in a new user", async () => {
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

test("refuses the tokens of a sign-in that ran while the user ended all sessions, and accepts the next", async () => {
  const address = "ended@example.com";
  const mine = await nest.signIn(address);
  const own = { user_id: mine.user_id };
  const code = await nest.emailedCode({ identifier_value: address });
  const core = interrupted("sessions", "insertIfAbsent", async () => {
    const ended = await nest.call(`${V3}revoke_all_sessions`, {}, { bearer: mine.access_token });
    expect(ended.body).toEqual({ revoked: 0 });
  });
  const request = { client_id: MAC, code, code_verifier: VERIFIER, redirect_uri: REDIRECT };
  const late = await authorizationCode.redeem(core, request, newCall());
  const isAlive = async (bearer: string) =>
    (await nest.call(`${V2}get_user`, own, { bearer })).status === 200;
  expect([await isAlive(late.accessToken), await isAlive(mine.access_token)]).toEqual([false, true]);
  expect((await nest.refresh(late.refreshToken)).body.code).toBe("authorization_not_found");
  expect(await isAlive((await nest.signIn(address)).access_token)).toBe(true);
  const { status, body } = await nest.refresh(mine.refresh_token);
  expect([status, await isAlive(body.access_token)]).toEqual([200, true]);
});
