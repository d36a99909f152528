import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  linkRequest,
  MAC,
  pkcePair,
  REDIRECT,
  startNest,
  type TestNest,
  V1,
  V2,
  WINDOWS,
} from "#tests/support/nest.ts";

describe("contract J, authorization code", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());

  test("J28: a redemption returns the seven documented fields", async () => {
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
    expect({
      status: reply.status,
      token_type: reply.body.token_type,
      expires_in: reply.body.expires_in,
      client_id: reply.body.client_id,
    }).toEqual({ status: 200, token_type: "bearer", expires_in: 3600, client_id: MAC });
    const left = Date.parse(reply.body.expires_at) - Date.parse(reply.headers["beak-time"] ?? "");
    expect(Math.abs(left / 1000 - 3600)).toBeLessThan(5);
    expect(reply.body.refresh_token).toMatch(/^01\.reftok_[0-9A-Za-z]{27}\.[0-9a-f]{64}$/);
  });

  test("J29: the access token is an ES256 at+jwt with the documented claims, and works at once", async () => {
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

  test.each([
    [
      "a trial starts",
      async (identifier_value: string) =>
        nest.call(`${V2}create_trial_and_magic_link`, linkRequest({ identifier_value })),
    ],
    [
      "another link is requested",
      async (identifier_value: string) =>
        nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value })),
    ],
    [
      "a sign-out",
      async (_identifier: string, refresh_token: string) =>
        nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token }),
    ],
    [
      "the address is removed",
      async (identifierValue: string) =>
        nest
          .collection("identifiers")
          .updateOne({ identifierValue }, { $set: { removedAt: "2026-01-01T00:00:00.000Z" } }),
    ],
    [
      "twenty other devices sign in",
      async (identifierValue: string) =>
        nest
          .collection("identifiers")
          .updateOne(
            { identifierValue },
            { $set: { knownDevices: Array.from({ length: 20 }, (_, number) => `other ${number}`) } },
          ),
    ],
  ])("a link whose session was used is token_used, also after %s", async (_what, next) => {
    const identifier_value = `next-${crypto.randomUUID()}@example.com`;
    const code = await nest.emailedCode({ identifier_value });
    const { body } = await nest.redeem(code);
    await nest.call(`${V2}get_user`, { user_id: body.user_id }, { bearer: body.access_token });
    await next(identifier_value, body.refresh_token);
    nest.clock.advance(11);
    expect((await nest.redeem(code)).body.code).toBe("token_used");
    expect(await nest.collection("sessions").countDocuments({ userId: body.user_id })).toBe(1);
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

  test("J32: a wrong verifier, redirect URI or client has its own error code and leaves the code usable", async () => {
    const code = await nest.emailedCode();
    expect((await nest.redeem(code, { code_verifier: "wrong" })).body.code).toBe("incorrect_code_verifier");
    expect((await nest.redeem(code, { redirect_uri: `${REDIRECT}callback` })).body.code).toBe(
      "incorrect_redirect_uri",
    );
    expect((await nest.redeem(code, { client_id: WINDOWS })).body.code).toBe("incorrect_client");
    expect((await nest.redeem(code)).status).toBe(200);
  });

  test("the tenth failed redemption with the right secret blocks the code", async () => {
    const code = await nest.emailedCode();
    for (let failure = 1; failure <= 10; failure++) await nest.redeem(code, { code_verifier: "wrong" });
    expect((await nest.redeem(code)).body.code).toBe("authorization_not_found");
    const nine = await nest.emailedCode();
    for (let failure = 1; failure <= 9; failure++) await nest.redeem(nine, { code_verifier: "wrong" });
    expect((await nest.redeem(nine)).status).toBe(200);
  });

  test("J33: missing fields and malformed, unknown and wrong codes each have their own error code", async () => {
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

  test("J34: a sign-in revokes the address's other links at that client, whatever case the address was typed in", async () => {
    const first = await nest.emailedCode({ identifier_value: "Mixed@Example.com" });
    const elsewhere = await nest.emailedCode({ identifier_value: "mixed@example.com", client_id: WINDOWS });
    const second = await nest.emailedCode({ identifier_value: "mixed@example.com" });
    expect((await nest.redeem(second)).status).toBe(200);
    expect((await nest.redeem(first)).body.code).toBe("authorization_not_found");
    expect((await nest.redeem(elsewhere, { client_id: WINDOWS })).status).toBe(200);
  });

  test("J35: another case, surrounding whitespace or a Unicode domain is the same user", async () => {
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

  test("a function without a signing key is unavailable and uses up neither code nor refresh token", async () => {
    const { refresh_token } = await nest.signIn("signer@example.com");
    const code = await nest.emailedCode();
    const keys = nest.secrets.signingKeys.keys.map(({ d: _private, ...key }) => key);
    const keyless = await startNest({
      beside: nest,
      environment: { SIGNING_KEYS: JSON.stringify({ keys }) },
    });
    for (const reply of [await keyless.redeem(code), await keyless.refresh(refresh_token)]) {
      expect({ status: reply.status, code: reply.body.code }).toEqual({ status: 503, code: "unavailable" });
    }
    await keyless.stop();
    for (const [name, secret] of [
      ["authorizations", code],
      ["refresh-tokens", refresh_token],
    ] as const)
      expect(await nest.collection(name).findOne({ _id: secret.split(".").at(-2) ?? "" })).toMatchObject({
        usedAt: null,
      });
    expect((await nest.redeem(code)).status).toBe(200);
    expect((await nest.refresh(refresh_token)).status).toBe(200);
  });

  test("accepts a challenge in hex, as in the published sample, and no other format", async () => {
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
