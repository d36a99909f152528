import { exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  linkIn,
  linkRequest,
  MAC,
  pkcePair,
  REDIRECT,
  startNest,
  type TestNest,
  V1,
  V2,
  WEB,
  WINDOWS,
} from "#tests/support/nest.ts";

const DAY = 24 * 60 * 60;

describe("contract J, authorization header", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());

  test("J16: a bad bearer is unauthorized on a public method too", async () => {
    const reply = await nest.call(`${V1}list_news_items`, { client_id: "x" }, { bearer: "junk" });
    expect([reply.status, reply.body]).toEqual([
      401,
      { code: "unauthorized", reasons: [{ code: "invalid_token" }] },
    ]);
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
    expect([unknown.status, unknown.body.reasons[0].code]).toEqual([401, "token_not_found"]);
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
    expect([reply.status, reply.body.reasons[0].code]).toEqual([401, reason]);
  });

  test("A9: the header's name may have any case", async () => {
    const headers = { Authorization: "bearer junk" };
    expect((await nest.call(`${V1}list_news_items`, { client_id: "x" }, { headers })).status).toBe(401);
  });

  test("J18: a wrong internal key is access_denied, the right one reads any user", async () => {
    const { user_id } = await nest.signIn();
    const wrong = await nest.call(
      `${V2}get_user`,
      { user_id },
      { headers: { authorization: "internal wrong" } },
    );
    expect([wrong.status, wrong.body]).toEqual([403, { code: "access_denied" }]);
    expect((await nest.call(`${V2}get_user`, { user_id }, { internal: true })).status).toBe(200);
    const authorization = `INTERNAL ${nest.secrets.internalKey}`;
    expect((await nest.call(`${V2}get_user`, { user_id }, { headers: { authorization } })).status).toBe(200);
  });

  test("J19: get_user without a header, or of somebody else, is access_denied", async () => {
    const ada = await nest.signIn("ada@example.com");
    const bob = await nest.signIn("bob@example.com");
    for (const options of [{}, { bearer: bob.access_token }]) {
      const reply = await nest.call(`${V2}get_user`, { user_id: ada.user_id }, options);
      expect([reply.status, reply.body]).toEqual([403, { code: "access_denied" }]);
    }
  });

  test("J20: a bad token beats a bad body, an unknown method beats a bad token", async () => {
    const bad = { bearer: "junk" };
    expect((await nest.call(`${V1}list_news_items`, {}, bad)).body.code).toBe("unauthorized");
    expect((await nest.call(`${V1}nope`, {}, bad)).body.code).toBe("not_found");
  });

  test("validation_failed beats access_denied for an anonymous caller", async () => {
    expect((await nest.call(`${V2}get_user`, {})).body.code).toBe("validation_failed");
  });

  test("refuses well-formed tokens of the wrong issuer, audience, type, version, algorithm or key", async () => {
    const tokens = await nest.signIn("forger@example.com");
    const current = nest.secrets.signingKeys.keys.find((key) => key.state === "current");
    if (!current) throw new Error("no current key");
    const key = await importJWK(current as never, "ES256");
    const claims = JSON.parse(Buffer.from(tokens.access_token.split(".")[1] ?? "", "base64url").toString());
    const sign = (
      change: object,
      header: object = {},
      withKey: Parameters<SignJWT["sign"]>[0] = key as never,
    ) =>
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
      expect([name, await call(bearer)]).toEqual([
        name,
        { code: "unauthorized", reasons: [{ code: reason }] },
      ]);
    }
  });
});

describe("a bearer's record and its session must both stand and agree", () => {
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
  ])("in %s, %j makes it %s", async (collection, change, reason) => {
    const { user_id, access_token } = await nest.signIn();
    const call = () => nest.call(`${V2}get_user`, { user_id }, { bearer: access_token });
    expect((await call()).status).toBe(200);
    const { jti, sid } = JSON.parse(Buffer.from(access_token.split(".")[1] ?? "", "base64url").toString());
    await nest
      .collection(collection)
      .updateOne({ _id: collection === "sessions" ? sid : jti }, { $set: change });
    expect((await call()).body).toEqual({ code: "unauthorized", reasons: [{ code: reason }] });
  });

  test.each(["access_tokens", "sessions"])("without its document in %s it is unknown", async (collection) => {
    const { user_id, access_token } = await nest.signIn();
    await nest.collection(collection).deleteMany({ userId: user_id });
    const reply = await nest.call(`${V2}get_user`, { user_id }, { bearer: access_token });
    expect(reply.body.reasons).toEqual([{ code: "token_not_found" }]);
  });
});

describe("contract J, magic link", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());
  beforeEach(() => nest.ses.clear());

  const link = (change: Record<string, unknown>) => nest.call(`${V1}send_magic_link`, linkRequest(change));

  test("J21: mails a link with the code and the very state to the address as typed", async () => {
    const mail = await nest.requestLink();
    expect(nest.ses.inbox).toHaveLength(1);
    expect([mail.to, mail.subject, mail.from]).toEqual([
      "Ada@example.com",
      "🐦 Your Beak Magic Link!",
      "Beak App <no-reply@getbeak.app>",
    ]);
    const url = linkIn(mail);
    expect(url.origin + url.pathname).toBe(REDIRECT);
    expect(url.searchParams.get("state")).toBe("s/1+x");
    expect(url.searchParams.get("code")).toMatch(/^authzcode_[0-9A-Za-z]{27}\.[0-9a-f]{64}$/);
  });

  test("J22: the text part holds the URL literally", async () => {
    const mail = await nest.requestLink();
    expect(mail.text).toContain(`&state=s%2F1%2Bx\n`);
    expect(mail.text).not.toMatch(/&amp;|&#x3D;/);
    expect(mail.html).toContain("&amp;state=s%2F1%2Bx");
  });

  test.each([
    ["foo", "Missing final '@domain'"],
    ["foo@", "Missing final '@domain'"],
    ["foo@.bar", "Domain starts with dot"],
    ["a b@example.com", "Missing final '@domain'"],
    ["a@b@example.com", "Missing final '@domain'"],
    ["a@localhost", "Missing final '@domain'"],
    ["a\r\nbcc: x@example.com", "Missing final '@domain'"],
    ["\u212Aate@example.com", "Missing final '@domain'"],
    ["a@exa mple.com", "Missing final '@domain'"],
    ["a@127.0.0.1", "Missing final '@domain'"],
    ["a,b@example.com", "Missing final '@domain'"],
  ])(
    "J23: %j is refused with the words the app knows, no mail and no record",
    async (identifier_value, message) => {
      const before = await nest.collection("authorizations").countDocuments();
      const reply = await link({ identifier_value });
      expect([reply.status, reply.body]).toEqual([400, { code: "invalid_email", meta: { message } }]);
      expect(nest.ses.inbox).toEqual([]);
      expect(await nest.collection("authorizations").countDocuments()).toBe(before);
    },
  );

  test("J24: device may be missing, but not null or of another platform", async () => {
    expect((await link({ device: undefined })).status).toBe(204);
    expect((await link({ device: null })).body.code).toBe("validation_failed");
    expect((await link({ device: { platform: "web", beak_id: "b", fingerprint: "f" } })).body.code).toBe(
      "validation_failed",
    );
  });

  test("J25: an unknown client or redirect URI is refused", async () => {
    expect((await link({ client_id: "client_none" })).body).toEqual({ code: "client_not_found" });
    expect((await link({ redirect_uri: "https://magic.getbeak.app" })).body).toEqual({
      code: "invalid_redirect_uri",
    });
    expect((await link({ redirect_uri: "https://magic.getbeak.app/callback" })).status).toBe(204);
  });

  test("J26: the disabled web client is client_not_found", async () => {
    expect((await link({ client_id: WEB, redirect_uri: "https://rio.getbeak.app/" })).body.code).toBe(
      "client_not_found",
    );
  });

  test("J27: another challenge method or identifier type is validation_failed", async () => {
    expect((await link({ code_challenge_method: "plain" })).body.code).toBe("validation_failed");
    expect((await link({ identifier_type: "phone" })).body.code).toBe("validation_failed");
  });

  test.each(["error", "rate_limited", "rejected"] as const)(
    "a mail that SES answers with %s is email_not_sent, and asking again works",
    async (kind) => {
      nest.ses.fault({ calls: 1, kind });
      const reply = await link({});
      expect([reply.status, reply.body]).toEqual([502, { code: "email_not_sent" }]);
      expect((await link({})).status).toBe(204);
    },
  );
});

describe("contract J, authorization code", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());

  test("J28: a redemption answers the seven fields", async () => {
    const reply = await nest.redeem(await nest.emailedCode());
    expect(Object.keys(reply.body).sort()).toEqual([
      "access_token",
      "client_id",
      "expires_at",
      "expires_in",
      "refresh_token",
      "token_type",
      "user_id",
    ]);
    expect([reply.status, reply.body.token_type, reply.body.expires_in, reply.body.client_id]).toEqual([
      200,
      "bearer",
      3600,
      MAC,
    ]);
    const left = Date.parse(reply.body.expires_at) - Date.parse(reply.headers["beak-time"] ?? "");
    expect(Math.abs(left / 1000 - 3600)).toBeLessThan(5);
    expect(reply.body.refresh_token).toMatch(/^01\.reftok_[0-9A-Za-z]{27}\.[0-9a-f]{64}$/);
  });

  test("J29: the access token works at once; it is an ES256 at+jwt with the agreed claims", async () => {
    const tokens = await nest.signIn();
    expect(
      (await nest.call(`${V2}get_user`, { user_id: tokens.user_id }, { bearer: tokens.access_token })).status,
    ).toBe(200);
    const [header, claims] = tokens.access_token
      .split(".")
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
    expect(header).toMatchObject({ alg: "ES256", typ: "at+jwt" });
    expect(Object.keys(claims).sort()).toEqual([
      "aud",
      "client_id",
      "exp",
      "iat",
      "iss",
      "jti",
      "sid",
      "sub",
      "v",
    ]);
    expect(claims).toMatchObject({
      iss: "https://nest.test",
      sub: tokens.user_id,
      aud: MAC,
      client_id: MAC,
      v: "1",
    });
    expect(claims.exp - claims.iat).toBe(3600);
  });

  test("J30: a second redemption is token_used and revokes nothing", async () => {
    const code = await nest.emailedCode();
    const first = await nest.redeem(code);
    expect((await nest.redeem(code)).body.code).toBe("token_used");
    expect(
      (await nest.call(`${V2}get_user`, { user_id: first.body.user_id }, { bearer: first.body.access_token }))
        .status,
    ).toBe(200);
  });

  test("J31: after 20 minutes the code is token_expired", async () => {
    const own = await startNest();
    const early = await own.emailedCode({ identifier_value: "early@example.com" });
    const late = await own.emailedCode({ identifier_value: "late@example.com" });
    own.clock.advance(20 * 60 - 5);
    expect((await own.redeem(early)).status).toBe(200);
    own.clock.advance(5);
    expect((await own.redeem(late)).body.code).toBe("token_expired");
    await own.stop();
  });

  test("J32: a wrong verifier, redirect or client is named and leaves the code usable", async () => {
    const code = await nest.emailedCode();
    expect((await nest.redeem(code, { code_verifier: "wrong" })).body.code).toBe("incorrect_code_verifier");
    expect((await nest.redeem(code, { redirect_uri: `${REDIRECT}callback` })).body.code).toBe(
      "incorrect_redirect_uri",
    );
    expect((await nest.redeem(code, { client_id: WINDOWS })).body.code).toBe("incorrect_client");
    expect((await nest.redeem(code)).status).toBe(200);
  });

  test("the tenth failure with the right key burns the code", async () => {
    const code = await nest.emailedCode();
    for (let failure = 1; failure <= 10; failure++) await nest.redeem(code, { code_verifier: "wrong" });
    expect((await nest.redeem(code)).body.code).toBe("authorization_not_found");
    const nine = await nest.emailedCode();
    for (let failure = 1; failure <= 9; failure++) await nest.redeem(nine, { code_verifier: "wrong" });
    expect((await nest.redeem(nine)).status).toBe(200);
  });

  test("J33: missing fields and malformed, unknown and wrong codes have their own codes", async () => {
    const code = await nest.emailedCode();
    const refused = async (change: Record<string, unknown>) => (await nest.redeem(code, change)).body.code;
    expect(await refused({ code: undefined })).toBe("code_missing");
    expect(await refused({ code_verifier: undefined })).toBe("code_verifier_missing");
    expect(await refused({ redirect_uri: undefined })).toBe("redirect_uri_missing");
    expect(await refused({ code: "abc" })).toBe("malformed_code");
    expect(await refused({ code: "a.b.c" })).toBe("malformed_code");
    expect(await refused({ code: `authzcode_nobody.${"0".repeat(64)}` })).toBe("not_found");
    expect(await refused({ code: `${code.split(".")[0]}.${"0".repeat(64)}` })).toBe("token_not_found");
  });

  test("J34: a sign-in revokes the address's other links, whatever the case it was typed in", async () => {
    const first = await nest.emailedCode({ identifier_value: "Mixed@Example.com" });
    const elsewhere = await nest.emailedCode({ identifier_value: "mixed@example.com", client_id: WINDOWS });
    const second = await nest.emailedCode({ identifier_value: "mixed@example.com" });
    expect((await nest.redeem(second)).status).toBe(200);
    expect((await nest.redeem(first)).body.code).toBe("authorization_not_found");
    expect((await nest.redeem(elsewhere, { client_id: WINDOWS })).status).toBe(200);
  });

  test("J35: another casing, surrounding blanks or a Unicode domain is the same user", async () => {
    const ada = await nest.signIn("Case@Bücher.example");
    const again = await nest.signIn("  cASE@xn--bcher-kva.EXAMPLE ");
    expect(again.user_id).toBe(ada.user_id);
    const user = await nest.call(`${V2}get_user`, { user_id: ada.user_id }, { bearer: ada.access_token });
    expect(user.body.identifiers[0].identifier_value).toBe("case@xn--bcher-kva.example");
  });

  test("J36: the first redemption verifies the address", async () => {
    const tokens = await nest.signIn("verified@example.com");
    const user = await nest.call(
      `${V2}get_user`,
      { user_id: tokens.user_id },
      { bearer: tokens.access_token },
    );
    expect(user.body.identifiers[0].verified_at).toMatch(/Z$/);
  });

  test("a function that holds no key to sign with is unavailable, and spends neither code nor token", async () => {
    const { refresh_token } = await nest.signIn("signer@example.com");
    const code = await nest.emailedCode();
    const keys = nest.secrets.signingKeys.keys.map(({ d: _private, ...key }) => key);
    const keyless = await startNest({
      beside: nest,
      environment: { SIGNING_KEYS: JSON.stringify({ keys }) },
    });
    for (const reply of [await keyless.redeem(code), await keyless.refresh(refresh_token)]) {
      expect([reply.status, reply.body.code]).toEqual([503, "unavailable"]);
    }
    await keyless.stop();
    expect((await nest.redeem(code)).status).toBe(200);
    expect((await nest.refresh(refresh_token)).status).toBe(200);
  });

  test("takes a challenge in hex as the published sample has it, and no other shape", async () => {
    const { verifier, challenge } = pkcePair();
    const hex = Buffer.from(challenge, "base64url").toString("hex");
    const code = await nest.emailedCode({ code_challenge: hex });
    expect((await nest.redeem(code, { code_verifier: verifier })).status).toBe(200);
    const odd = await nest.emailedCode({ code_challenge: "x".repeat(128) });
    expect((await nest.redeem(odd, { code_verifier: verifier })).body.code).toBe("incorrect_code_verifier");
    const tooLong = await nest.call(`${V1}send_magic_link`, linkRequest({ code_challenge: "x".repeat(129) }));
    expect(tooLong.body.code).toBe("validation_failed");
  });
});

describe("contract J, refresh token", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());
  const userOf = (tokens: { user_id: string; access_token: string }) =>
    nest.call(`${V2}get_user`, { user_id: tokens.user_id }, { bearer: tokens.access_token });

  test("J37: a refresh answers new tokens of the same user", async () => {
    const tokens = await nest.signIn();
    const { status, body } = await nest.refresh(tokens.refresh_token);
    expect([status, body.user_id, Object.keys(body).length]).toEqual([200, tokens.user_id, 7]);
    expect(body.refresh_token).not.toBe(tokens.refresh_token);
    expect(body.refresh_token).toMatch(/^01\.reftok_[0-9A-Za-z]{27}\.[0-9a-f]{64}$/);
    expect((await userOf(body)).status).toBe(200);
  });

  test("J38: the old access token falls; the old refresh token is theft once its successor's arrival was seen", async () => {
    const tokens = await nest.signIn("j38@example.com");
    const { body: next } = await nest.refresh(tokens.refresh_token);
    expect((await userOf(tokens)).body.reasons[0].code).toBe("token_revoked");
    expect((await userOf(next)).status).toBe(200);
    nest.clock.advance(11);
    const replay = await nest.refresh(tokens.refresh_token);
    expect([replay.status, replay.body]).toEqual([400, { code: "token_used" }]);
    expect((await userOf(next)).status).toBe(401);
    expect((await nest.refresh(next.refresh_token)).body.code).toBe("authorization_not_found");
    expect((await nest.refresh(tokens.refresh_token)).body.code).toBe("authorization_not_found");
    expect(nest.logged("refresh_token_reuse")).toMatchObject([
      { level: "warn", security_event: true, user_id: tokens.user_id },
    ]);
  });

  test("a replay after the successor itself was used is theft too", async () => {
    const tokens = await nest.signIn("used@example.com");
    const { body: next } = await nest.refresh(tokens.refresh_token);
    await nest.refresh(next.refresh_token);
    nest.clock.advance(11);
    expect((await nest.refresh(tokens.refresh_token)).body.code).toBe("token_used");
    expect((await nest.refresh(next.refresh_token)).body.code).toBe("authorization_not_found");
  });

  test("a bearer counts as seen even if its call is refused", async () => {
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

  test("a lost answer, retried after an hour, gets the same successor: still signed in", async () => {
    const tokens = await nest.signIn("lost@example.com");
    const lost = await nest.refresh(tokens.refresh_token);
    nest.clock.advance(3600);
    const retried = await nest.refresh(tokens.refresh_token, {}, { ip: "198.51.100.7" });
    expect([retried.status, retried.body.refresh_token]).toEqual([200, lost.body.refresh_token]);
    expect((await userOf(retried.body)).status).toBe(200);
    expect((await nest.refresh(retried.body.refresh_token)).status).toBe(200);
  });

  test("two windows within ten seconds on one network get the same successor even when it was seen; another network does not", async () => {
    const tokens = await nest.signIn("windows@example.com");
    const { body: first } = await nest.refresh(tokens.refresh_token);
    await userOf(first);
    const second = await nest.refresh(tokens.refresh_token);
    expect([second.status, second.body.refresh_token]).toEqual([200, first.refresh_token]);
    expect((await userOf(first)).status).toBe(200);
    const stranger = await nest.refresh(tokens.refresh_token, {}, { ip: "198.51.100.7" });
    expect(stranger.body.code).toBe("token_used");
  });

  test("a crash between the two writes is finished by the replay", async () => {
    const tokens = await nest.signIn("crash@example.com");
    const { body: lost } = await nest.refresh(tokens.refresh_token);
    const successorId = lost.refresh_token.split(".")[1] as string;
    await nest.collection("refresh-tokens").deleteOne({ _id: successorId });
    const { body: again } = await nest.refresh(tokens.refresh_token);
    expect(again.refresh_token).toBe(lost.refresh_token);
    expect((await nest.refresh(again.refresh_token)).status).toBe(200);
  });

  test("J39: an empty client and token are validation_failed", async () => {
    expect((await nest.refresh("", { client_id: "" })).body.code).toBe("validation_failed");
  });

  test("J40: missing, malformed, unknown, wrong and foreign tokens have their own codes", async () => {
    const { refresh_token } = await nest.signIn("j40@example.com");
    const [, id] = refresh_token.split(".");
    expect((await nest.refresh("x", { refresh_token: undefined })).body.code).toBe("refresh_token_missing");
    expect((await nest.refresh("a.b")).body.code).toBe("malformed_refresh_token");
    expect((await nest.refresh(`01.reftok_nobody.${"0".repeat(64)}`)).body.code).toBe("not_found");
    expect((await nest.refresh(`01.${id}.${"0".repeat(64)}`)).body.code).toBe("token_not_found");
    expect((await nest.refresh(refresh_token, { client_id: WINDOWS })).body.code).toBe("incorrect_client");
    expect((await nest.refresh(refresh_token)).status).toBe(200);
  });

  test("J41: refreshing one machine leaves the other in; theft ends its own session only", async () => {
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

  test("J42: a refresh in a session that was signed out is authorization_not_found", async () => {
    const tokens = await nest.signIn("j42@example.com");
    expect(
      (await nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token: tokens.refresh_token })).status,
    ).toBe(204);
    expect((await nest.refresh(tokens.refresh_token)).body.code).toBe("authorization_not_found");
    expect((await userOf(tokens)).body.code).toBe("unauthorized");
  });

  test("a refresh token ends after 365 days", async () => {
    const own = await startNest();
    const { refresh_token } = await own.signIn();
    own.clock.advance(365 * DAY);
    expect((await own.refresh(refresh_token)).body.code).toBe("token_expired");
    await own.stop();
  });

  test("an access token lives as long as its client's configuration says", async () => {
    const own = await startNest({ environment: { DESKTOP_ACCESS_TOKEN_LIFETIME: "864000" } });
    const tokens = await own.signIn();
    expect(tokens.expires_in).toBe(864000);
    own.clock.advance(863_990);
    expect(
      (await own.call(`${V2}get_user`, { user_id: tokens.user_id }, { bearer: tokens.access_token })).status,
    ).toBe(200);
    await own.stop();
  });

  test("a client's sessionMaxDays bounds the session, refreshed or not", async () => {
    const client = {
      id: "client_short",
      name: "Short",
      enabled: true,
      redirectUris: [REDIRECT],
      origins: [],
      accessTokenLifetime: 864_000,
      sessionMaxDays: 2,
    };
    const own = await startNest({ environment: { CLIENTS: JSON.stringify([client]) } });
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
});
