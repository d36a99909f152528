import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refreshToken } from "#core/sign_in/grants/refresh_token.ts";
import { loseConnection, openSignInCore, withMethods } from "#tests/support/altered_core.ts";
import { appWithClients, appWithLifetime } from "#tests/support/app.ts";
import { BUSY_MACHINE, MAC, startNest, type TestNest, V2, WINDOWS } from "#tests/support/nest.ts";

const DAY = 24 * 60 * 60;

describe("contract J, refresh token", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest({ slowdown: BUSY_MACHINE });
  });
  afterAll(() => nest.stop());
  const userOf = (tokens: { user_id: string; access_token: string }) =>
    nest.call(`${V2}get_user`, { user_id: tokens.user_id }, { bearer: tokens.access_token });

  test("J37: a refresh returns new tokens of the same user", async () => {
    const tokens = await nest.signIn();
    const { status, body } = await nest.refresh(tokens.refresh_token);
    expect([status, body.user_id, Object.keys(body).length]).toEqual([200, tokens.user_id, 7]);
    expect(body.refresh_token).not.toBe(tokens.refresh_token);
    expect(body.refresh_token).toMatch(/^01\.reftok_[0-9A-Za-z]{27}\.[0-9a-f]{64}$/);
    expect((await userOf(body)).status).toBe(200);
  });

  test("J38: a refresh revokes the old access token; reuse of the old refresh token is theft once the new tokens were used", async () => {
    const tokens = await nest.signIn("j38@example.com");
    const { body: next } = await nest.refresh(tokens.refresh_token);
    expect((await userOf(tokens)).body.reasons[0].code).toBe("token_revoked");
    expect((await userOf(next)).status).toBe(200);
    nest.clock.advance(11);
    const replay = await nest.refresh(tokens.refresh_token);
    expect({ status: replay.status, body: replay.body }).toEqual({
      status: 400,
      body: { code: "token_used" },
    });
    expect((await userOf(next)).status).toBe(401);
    expect((await nest.refresh(next.refresh_token)).body.code).toBe("authorization_not_found");
    expect((await nest.refresh(tokens.refresh_token)).body.code).toBe("authorization_not_found");
    expect(nest.logged("refresh_token_reuse")).toMatchObject([
      { level: "warn", security_event: true, user_id: tokens.user_id },
    ]);
  });

  test("reuse of a refresh token is theft once its successor was used", async () => {
    const tokens = await nest.signIn("used@example.com");
    const { body: next } = await nest.refresh(tokens.refresh_token);
    await nest.refresh(next.refresh_token);
    nest.clock.advance(11);
    expect((await nest.refresh(tokens.refresh_token)).body.code).toBe("token_used");
    expect((await nest.refresh(next.refresh_token)).body.code).toBe("authorization_not_found");
  });

  test("an access token acknowledges its refresh even if its call is refused", async () => {
    const first = await nest.signIn("seen@example.com");
    const second = (await nest.refresh(first.refresh_token)).body;
    const refused = await nest.call(
      `${V2}get_user`,
      { user_id: "user_other" },
      { bearer: second.access_token },
    );
    expect(refused.body.code).toBe("access_denied");
    nest.clock.advance(60);
    expect((await nest.refresh(first.refresh_token)).body.code).toBe("token_used");
  });

  test("a refresh whose response was lost returns the same successor an hour later", async () => {
    const tokens = await nest.signIn("lost@example.com");
    expect((await userOf(tokens)).status).toBe(200);
    const lost = await nest.refresh(tokens.refresh_token);
    nest.clock.advance(3600);
    const retried = await nest.refresh(tokens.refresh_token, {}, { ip: "198.51.100.7" });
    expect({ status: retried.status, refresh_token: retried.body.refresh_token }).toEqual({
      status: 200,
      refresh_token: lost.body.refresh_token,
    });
    expect((await userOf(retried.body)).status).toBe(200);
    const again = await nest.refresh(retried.body.refresh_token);
    nest.clock.advance(3600);
    const later = await nest.refresh(retried.body.refresh_token);
    expect({ status: later.status, refresh_token: later.body.refresh_token }).toEqual({
      status: 200,
      refresh_token: again.body.refresh_token,
    });
    expect((await userOf(later.body)).status).toBe(200);
  });

  test("a second refresh within 10 s gets the same successor from any network, and is theft after that", async () => {
    const tokens = await nest.signIn("windows@example.com");
    const { body: first } = await nest.refresh(tokens.refresh_token);
    await userOf(first);
    for (const ip of ["203.0.113.9", "2001:db8::1", "198.51.100.7"]) {
      const second = await nest.refresh(tokens.refresh_token, {}, { ip });
      expect({ status: second.status, refresh_token: second.body.refresh_token }).toEqual({
        status: 200,
        refresh_token: first.refresh_token,
      });
      expect((await userOf(second.body)).status).toBe(200);
    }
    expect((await userOf(first)).status).toBe(200);
    nest.clock.advance(11);
    expect((await nest.refresh(tokens.refresh_token)).body.code).toBe("token_used");
  });

  test("200 repetitions of a refresh make one access token record, and all their tokens stay valid", async () => {
    const tokens = await nest.signIn("replays@example.com");
    const records = () => nest.collection("access_tokens").countDocuments({ userId: tokens.user_id });
    const before = await records();
    const answers = await Promise.all(Array.from({ length: 20 }, () => nest.refresh(tokens.refresh_token)));
    for (let replay = 0; replay < 180; replay++) {
      nest.clock.advance(1);
      answers.push(await nest.refresh(tokens.refresh_token));
    }
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect((await records()) - before).toBe(1);
    for (const at of [0, 19, 100, 199]) expect((await userOf(answers[at]?.body)).status).toBe(200);
  });

  test("an access token of a repeated refresh lasts its whole lifetime", async () => {
    const tokens = await nest.signIn("extended@example.com");
    const { body: lost } = await nest.refresh(tokens.refresh_token);
    nest.clock.advance(3000);
    const { body: again } = await nest.refresh(tokens.refresh_token);
    nest.clock.advance(3000);
    expect((await userOf(again)).status).toBe(200);
    expect((await userOf(lost)).body.reasons[0].code).toBe("token_expired");
  });

  test.each(["used", "acknowledged"])(
    "a used refresh token is kept for 35 days after its successor was %s, and its reuse is theft until then",
    async (how) => {
      const tokens = await nest.signIn(`kept-${how}@example.com`);
      const { body: next } = await nest.refresh(tokens.refresh_token);
      const purgeAt = async ({ refresh_token }: { refresh_token: string }) => {
        const [, id = ""] = refresh_token.split(".");
        const stored = await nest.collection("refresh-tokens").findOne({ _id: id });
        return new Date(String(stored?.purgeAt)).getTime();
      };
      const daysLeft = async () => ((await purgeAt(tokens)) - nest.clock.now().getTime()) / (DAY * 1000);
      expect(await daysLeft()).toBeGreaterThan(365);
      nest.clock.advance(DAY);
      const successor = how === "used" ? (await nest.refresh(next.refresh_token)).body : next;
      if (how === "acknowledged") {
        const { body: fresh } = await nest.refresh(tokens.refresh_token);
        expect((await userOf(fresh)).status).toBe(200);
      }
      expect(await daysLeft()).toBeGreaterThan(34.9);
      expect(await daysLeft()).toBeLessThanOrEqual(35);
      expect(await purgeAt(successor)).toBeGreaterThan(await purgeAt(tokens));
      nest.clock.advance(34 * DAY);
      expect((await nest.refresh(tokens.refresh_token)).body.code).toBe("token_used");
      expect((await nest.refresh(successor.refresh_token)).body.code).toBe("authorization_not_found");
    },
  );

  test("a used refresh token is kept for 35 days after its successor was used, even if a repetition completed that use", async () => {
    const first = await nest.signIn("repeated@example.com");
    const { body: second } = await nest.refresh(first.refresh_token);
    const core = openSignInCore(nest);
    const stopped = withMethods(core, "refreshTokens", { insertAndPurgeUsed: loseConnection });
    const request = { client_id: MAC, refresh_token: second.refresh_token };
    const call = { requestId: "r", ip: "203.0.113.9", userAgent: null };
    await expect(refreshToken.redeem(stopped, request, call)).rejects.toThrow("the connection was lost");
    expect((await nest.refresh(second.refresh_token)).status).toBe(200);
    const used = await nest.collection("refresh-tokens").findOne({ _id: first.refresh_token.split(".")[1] });
    const daysLeft = (Number(used?.purgeAt) - nest.clock.now().getTime()) / (DAY * 1000);
    expect(daysLeft).toBeCloseTo(35, 2);
  });

  /** Does what the TTL indexes do: removes the documents whose purge date has passed. */
  const applyTtl = async () => {
    for (const name of ["sessions", "access_tokens", "refresh-tokens"])
      await nest.collection(name).deleteMany({ purgeAt: { $lte: nest.clock.now() } });
  };

  test("a used refresh token that was purged is not_found, and its session goes on", async () => {
    const tokens = await nest.signIn("purged@example.com");
    const { body: next } = await nest.refresh(tokens.refresh_token);
    const { body: newest } = await nest.refresh(next.refresh_token);
    nest.clock.advance(35 * DAY + 1);
    await applyTtl();
    expect((await nest.refresh(tokens.refresh_token)).body.code).toBe("not_found");
    expect((await nest.refresh(newest.refresh_token)).status).toBe(200);
  });

  test("a refresh whose response was lost returns the same successor 360 days later", async () => {
    const tokens = await nest.signIn("asleep@example.com");
    const { body: next } = await nest.refresh(tokens.refresh_token);
    expect((await userOf(next)).status).toBe(200);
    const { body: lost } = await nest.refresh(next.refresh_token);
    nest.clock.advance(360 * DAY);
    await applyTtl();
    expect((await nest.refresh(tokens.refresh_token)).body.code).toBe("not_found");
    const { body: again } = await nest.refresh(next.refresh_token);
    expect(again.refresh_token).toBe(lost.refresh_token);
    expect((await userOf(again)).status).toBe(200);
  });

  test("a sign-out with a used refresh token ends the session within 35 days of its successor's use", async () => {
    const tokens = await nest.signIn("reached@example.com");
    const { body: next } = await nest.refresh(tokens.refresh_token);
    const { body: newest } = await nest.refresh(next.refresh_token);
    nest.clock.advance(35 * DAY - 60);
    await applyTtl();
    const signOut = { client_id: MAC, refresh_token: tokens.refresh_token };
    expect((await nest.call(`${V2}revoke_token`, signOut)).status).toBe(204);
    expect((await nest.refresh(newest.refresh_token)).body.code).toBe("authorization_not_found");
  });

  test("a repeated refresh completes a refresh that stopped between its two writes", async () => {
    const tokens = await nest.signIn("crash@example.com");
    const { body: lost } = await nest.refresh(tokens.refresh_token);
    const successorId = lost.refresh_token.split(".")[1] as string;
    await nest.collection("refresh-tokens").deleteOne({ _id: successorId });
    const { body: again } = await nest.refresh(tokens.refresh_token);
    expect(again.refresh_token).toBe(lost.refresh_token);
    expect((await nest.refresh(again.refresh_token)).status).toBe(200);
  });

  test("an old refresh key derives the same successors as before; a removed key is unavailable, not theft", async () => {
    const begun = await nest.signIn("begun@example.com");
    const { body: lost } = await nest.refresh(begun.refresh_token);
    const [old] = JSON.parse(nest.environment.REFRESH_KEYS ?? "[]");
    const fresh = { id: "fresh", key: "ab".repeat(32) };
    const withKeys = (keys: object[]) =>
      startNest({ beside: nest, environment: { REFRESH_KEYS: JSON.stringify(keys) } });
    const early = await withKeys([fresh]);
    const refused = await early.refresh(begun.refresh_token);
    expect([refused.status, refused.body.code, refused.headers["retry-after"]]).toEqual([
      503,
      "unavailable",
      "60",
    ]);
    const changed = await withKeys([fresh, old]);
    const again = await changed.refresh(begun.refresh_token);
    expect({ status: again.status, refresh_token: again.body.refresh_token }).toEqual({
      status: 200,
      refresh_token: lost.refresh_token,
    });
    const { body: next } = await changed.refresh(again.body.refresh_token);
    expect((await early.refresh(again.body.refresh_token)).body.refresh_token).toBe(next.refresh_token);
    expect((await userOf(next)).status).toBe(200);
    for (const instance of [early, changed]) await instance.stop();
  });

  test("J39: an empty client and token are validation_failed", async () => {
    expect((await nest.refresh("", { client_id: "" })).body.code).toBe("validation_failed");
  });

  test("J40: a missing, malformed, unknown, wrong or foreign token has its own error code", async () => {
    const { refresh_token } = await nest.signIn("j40@example.com");
    const [, id] = refresh_token.split(".");
    expect((await nest.refresh("x", { refresh_token: undefined })).body.code).toBe("refresh_token_missing");
    expect((await nest.refresh("a.b")).body.code).toBe("malformed_refresh_token");
    expect((await nest.refresh(`01.reftok_nobody.${"0".repeat(64)}`)).body.code).toBe("not_found");
    expect((await nest.refresh(`01.${id}.${"0".repeat(64)}`)).body.code).toBe("token_not_found");
    expect((await nest.refresh(refresh_token, { client_id: WINDOWS })).body.code).toBe("incorrect_client");
    expect((await nest.refresh(refresh_token)).status).toBe(200);
  });

  test("J41: a refresh and a theft affect only their own session", async () => {
    const one = await nest.signIn("two@example.com");
    const other = await nest.signIn("two@example.com");
    const { body: next } = await nest.refresh(one.refresh_token);
    expect((await userOf(other)).status).toBe(200);
    await userOf(next);
    nest.clock.advance(11);
    expect((await nest.refresh(one.refresh_token)).body.code).toBe("token_used");
    expect((await userOf(other)).status).toBe(200);
    expect((await nest.refresh(other.refresh_token)).status).toBe(200);
  });

  test("J42: a refresh after sign-out is authorization_not_found", async () => {
    const tokens = await nest.signIn("j42@example.com");
    expect(
      (await nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token: tokens.refresh_token })).status,
    ).toBe(204);
    expect((await nest.refresh(tokens.refresh_token)).body.code).toBe("authorization_not_found");
    expect((await userOf(tokens)).body.code).toBe("unauthorized");
  });

  test("a refresh token expires after 365 days", async () => {
    const own = await startNest();
    const { refresh_token } = await own.signIn();
    own.clock.advance(365 * DAY);
    expect((await own.refresh(refresh_token)).body.code).toBe("token_expired");
    await own.stop();
  });

  test("an access token lasts as long as its client's accessTokenLifetimeSeconds", async () => {
    const own = await startNest({ app: appWithLifetime(864_000) });
    const tokens = await own.signIn();
    expect(tokens.expires_in).toBe(864000);
    own.clock.advance(863_990);
    expect(
      (await own.call(`${V2}get_user`, { user_id: tokens.user_id }, { bearer: tokens.access_token })).status,
    ).toBe(200);
    await own.stop();
  });

  test("a session expires after its client's sessionMaxDays, even if it is refreshed", async () => {
    const client = { id: "client_short", lifetimeSeconds: 864_000, sessionMaxDays: 2 };
    const own = await startNest({ app: appWithClients(client) });
    const tokens = await own.signIn("short@example.com", { client_id: client.id });
    own.clock.advance(DAY);
    const refreshed = await own.refresh(tokens.refresh_token, { client_id: client.id });
    expect(refreshed.status).toBe(200);
    expect(refreshed.body.expires_in).toBeLessThanOrEqual(DAY);
    own.clock.advance(DAY);
    expect((await own.refresh(refreshed.body.refresh_token, { client_id: client.id })).body.code).toBe(
      "token_expired",
    );
    await own.stop();
  });

  test("a session that is not refreshed for its client's sessionIdleDays expires, and a refresh starts the days anew", async () => {
    const client = { id: "client_idle", lifetimeSeconds: 864_000, sessionIdleDays: 2, sessionMaxDays: 5 };
    const own = await startNest({ app: appWithClients(client) });
    const byClient = { client_id: client.id };
    const idle = await own.signIn("idle@example.com", byClient);
    let active = await own.signIn("active@example.com", byClient);
    expect(idle.expires_in, "an access token does not outlive the session").toBe(2 * DAY);
    for (const _day of [1, 2, 3]) {
      own.clock.advance(DAY);
      active = (await own.refresh(active.refresh_token, byClient)).body;
    }
    expect((await own.refresh(idle.refresh_token, byClient)).body.code).toBe("token_expired");
    const as = { bearer: active.access_token };
    const { body } = await own.call(`${V2}list_sessions`, { user_id: active.user_id }, as);
    expect(body).toHaveLength(1);
    const [session] = await own.collection("sessions").find({ userId: active.user_id }).toArray();
    const end = Date.parse(String(session?.createdAt)) + 5 * DAY * 1000;
    expect(session?.expiresAt, "sessionMaxDays is not extended").toBe(new Date(end).toISOString());
    await own.stop();
  });

  test("a refresh is token_expired if the client's sessionIdleDays was lowered below the time since the last refresh", async () => {
    const client = { id: "client_idler" };
    const before = await startNest({ app: appWithClients(client) });
    const { refresh_token } = await before.signIn("idler@example.com", { client_id: client.id });
    before.clock.advance(3 * DAY);
    const stricter = await startNest({
      beside: before,
      app: appWithClients({ ...client, sessionIdleDays: 2 }),
    });
    expect((await stricter.refresh(refresh_token, { client_id: client.id })).body.code).toBe("token_expired");
    await stricter.stop();
    await before.stop();
  });

  test("a refresh is token_expired if the client's sessionMaxDays was lowered below the session's age", async () => {
    const client = { id: "client_stricter" };
    const before = await startNest({ app: appWithClients(client) });
    const { refresh_token } = await before.signIn("stricter@example.com", { client_id: client.id });
    before.clock.advance(3 * DAY);
    const app = appWithClients({ ...client, sessionMaxDays: 2 });
    const stricter = await startNest({ beside: before, app });
    for (const _again of [1, 2])
      expect((await stricter.refresh(refresh_token, { client_id: client.id })).body.code).toBe(
        "token_expired",
      );
    await stricter.stop();
    await before.stop();
  });
});
