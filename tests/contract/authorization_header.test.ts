import { exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAC, startNest, type TestNest, V1, V2, WEB, WINDOWS } from "#tests/support/nest.ts";

describe("contract J, authorization header", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());

  test("J16: an invalid access token is unauthorized on a public method too", async () => {
    const reply = await nest.call(`${V1}list_news_items`, { client_id: "x" }, { bearer: "junk" });
    expect({ status: reply.status, body: reply.body }).toEqual({
      status: 401,
      body: { code: "unauthorized", reasons: [{ code: "invalid_token" }] },
    });
    expect(reply.headers["www-authenticate"]).toBe('Bearer error="invalid_token"');
  });

  test("J17: an expired, a revoked and an unknown access token are unauthorized", async () => {
    const reason = async (bearer: string) => {
      const { status, body } = await nest.call(`${V1}list_news_items`, { client_id: "x" }, { bearer });
      return [status, body.code, body.reasons?.[0].code];
    };
    const own = await startNest();
    const tokens = await own.signIn();
    expect(
      (await own.call(`${V1}list_news_items`, { client_id: "x" }, { bearer: tokens.access_token })).status,
    ).toBe(200);
    await own.collection("access_tokens").deleteMany({});
    const unknown = await own.call(
      `${V1}list_news_items`,
      { client_id: "x" },
      { bearer: tokens.access_token },
    );
    expect({ status: unknown.status, code: unknown.body.reasons[0].code }).toEqual({
      status: 401,
      code: "token_not_found",
    });
    await own.stop();

    const revoked = await nest.signIn("revoked@example.com");
    await nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token: revoked.refresh_token });
    expect(await reason(revoked.access_token)).toEqual([401, "unauthorized", "token_revoked"]);
    const expired = await nest.signIn("expired@example.com");
    nest.clock.advance(3601);
    expect(await reason(expired.access_token)).toEqual([401, "unauthorized", "token_expired"]);
  });

  test.each([
    ["", "malformed_token"],
    ["bearer", "malformed_token"],
    ["bearer a b", "malformed_token"],
    ["Basic x", "unknown_token_type"],
  ])("A9: %j is unauthorized", async (authorization, reason) => {
    const reply = await nest.call(`${V1}list_news_items`, { client_id: "x" }, { headers: { authorization } });
    expect({ status: reply.status, code: reply.body.reasons[0].code }).toEqual({ status: 401, code: reason });
  });

  test("A9: the header name is case-insensitive", async () => {
    const headers = { Authorization: "bearer junk" };
    expect((await nest.call(`${V1}list_news_items`, { client_id: "x" }, { headers })).status).toBe(401);
  });

  test("J18: a wrong internal key is access_denied; the right key reads any user", async () => {
    const { user_id } = await nest.signIn();
    const wrong = await nest.call(
      `${V2}get_user`,
      { user_id },
      { headers: { authorization: "internal wrong" } },
    );
    expect({ status: wrong.status, body: wrong.body }).toEqual({
      status: 403,
      body: { code: "access_denied" },
    });
    expect((await nest.call(`${V2}get_user`, { user_id }, { internal: true })).status).toBe(200);
    const authorization = `INTERNAL ${nest.secrets.internalKey}`;
    expect((await nest.call(`${V2}get_user`, { user_id }, { headers: { authorization } })).status).toBe(200);
  });

  test("J19: get_user is access_denied without a header and for another user", async () => {
    const ada = await nest.signIn("ada@example.com");
    const bob = await nest.signIn("bob@example.com");
    for (const options of [{}, { bearer: bob.access_token }]) {
      const reply = await nest.call(`${V2}get_user`, { user_id: ada.user_id }, options);
      expect({ status: reply.status, body: reply.body }).toEqual({
        status: 403,
        body: { code: "access_denied" },
      });
    }
  });

  test("J20: an unknown method is reported before an invalid token, and an invalid token before an invalid body", async () => {
    const bad = { bearer: "junk" };
    expect((await nest.call(`${V1}list_news_items`, {}, bad)).body.code).toBe("unauthorized");
    expect((await nest.call(`${V1}nope`, {}, bad)).body.code).toBe("not_found");
  });

  test("an invalid body is reported before access_denied for an anonymous caller", async () => {
    expect((await nest.call(`${V2}get_user`, {})).body.code).toBe("validation_failed");
  });

  test("refuses well-formed tokens of the wrong issuer, audience, type, version, algorithm or key", async () => {
    const tokens = await nest.signIn("forger@example.com");
    const current = nest.secrets.signingKeys.keys.find((key) => key.state === "current");
    if (!current) throw new Error("no current key");
    const key = await importJWK(current, "ES256");
    const claims = JSON.parse(Buffer.from(tokens.access_token.split(".")[1] ?? "", "base64url").toString());
    const sign = (change: object, header: object = {}, withKey: Parameters<SignJWT["sign"]>[0] = key) =>
      new SignJWT({ ...claims, ...change })
        .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: current.kid, ...header })
        .sign(withKey);
    const call = async (bearer: string) =>
      (await nest.call(`${V2}get_user`, { user_id: tokens.user_id }, { bearer })).body;
    expect((await call(await sign({}))).id).toBe(tokens.user_id);

    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(publicKey);
    const hmac = new TextEncoder().encode(
      JSON.stringify({ kty: "EC", crv: "P-256", x: current.x, y: current.y }),
    );
    const none = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")}.${tokens.access_token.split(".")[1]}.`;
    const forged: [string, string, string][] = [
      ["issuer", await sign({ iss: "https://elsewhere.test" }), "invalid_token"],
      ["audience", await sign({ aud: WINDOWS }), "invalid_token"],
      ["client", await sign({ aud: WINDOWS, client_id: WINDOWS }), "token_not_found"],
      ["disabled client", await sign({ aud: WEB, client_id: WEB }), "invalid_token"],
      ["several audiences", await sign({ aud: [MAC, WINDOWS] }), "invalid_token"],
      ["another user", await sign({ sub: "user_other" }), "token_not_found"],
      ["another session", await sign({ sid: "session_other" }), "token_not_found"],
      ["version", await sign({ v: "2" }), "invalid_token_version"],
      ["type", await sign({}, { typ: "JWT" }), "invalid_token"],
      ["entitlement", await sign({}, { typ: "entitlement+jwt" }), "invalid_token"],
      ["another key", await sign({}, {}, privateKey), "invalid_token"],
      ["its own jwk", await sign({}, { jwk, kid: "mine" }, privateKey), "invalid_token"],
      ["a kid that is a path", await sign({}, { kid: "../../dev/null" }), "invalid_token"],
      ["hmac with the public key", await sign({}, { alg: "HS256" }, hmac), "invalid_token"],
      ["no algorithm", none, "invalid_token"],
      ["no expiry", await sign({ exp: undefined }), "invalid_token"],
    ];
    for (const [name, bearer, reason] of forged) {
      expect(await call(bearer), name).toEqual({ code: "unauthorized", reasons: [{ code: reason }] });
    }
  });
});

describe("an access token's record and session must both be valid and match", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());
  const past = "2020-01-01T00:00:00.000Z";

  test.each([
    ["access_tokens", { revokedAt: past }, "token_revoked"],
    ["access_tokens", { expiresAt: past }, "token_expired"],
    ["access_tokens", { userId: "user_other" }, "token_not_found"],
    ["access_tokens", { clientId: WINDOWS }, "token_not_found"],
    ["access_tokens", { sessionId: "session_other" }, "token_not_found"],
    ["access_tokens", { generation: 0 }, "token_revoked"],
    ["sessions", { revokedAt: past }, "token_revoked"],
    ["sessions", { expiresAt: past }, "token_expired"],
    ["sessions", { userId: "user_other" }, "token_not_found"],
    ["sessions", { generation: 2 }, "token_revoked"],
  ])("in %s, %j gives %s", async (collection, change, reason) => {
    const { user_id, access_token } = await nest.signIn();
    const call = () => nest.call(`${V2}get_user`, { user_id }, { bearer: access_token });
    expect((await call()).status).toBe(200);
    const { jti, sid } = JSON.parse(Buffer.from(access_token.split(".")[1] ?? "", "base64url").toString());
    await nest
      .collection(collection)
      .updateOne({ _id: collection === "sessions" ? sid : jti }, { $set: change });
    expect((await call()).body).toEqual({ code: "unauthorized", reasons: [{ code: reason }] });
  });

  test.each(["access_tokens", "sessions"])(
    "is token_not_found without its document in %s",
    async (collection) => {
      const { user_id, access_token } = await nest.signIn();
      await nest.collection(collection).deleteMany({ userId: user_id });
      const reply = await nest.call(`${V2}get_user`, { user_id }, { bearer: access_token });
      expect(reply.body.reasons).toEqual([{ code: "token_not_found" }]);
    },
  );
});
