import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ATTEMPTS_LIMIT } from "#core/repositories/verifications.ts";
import { hashSecret } from "#core/secrets.ts";
import { PHONE, redeemCode, sentCode, wrongCode } from "#tests/support/codes.ts";
import { MAC, startNest, type TestNest, V2, WINDOWS } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const NOT_FOUND = [404, { code: "verification_not_found" }];
const answerOf = ({ status, body }: { status: number; body: unknown }) => [status, body];

describe("the grant otp", () => {
  test("signs a phone number up and in, with the claim device_id (P10 to P15)", async () => {
    const device = { device_id: "phone-1" };
    const first = await redeemCode(nest, await sentCode(nest), { device });
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({ user_created: true, client_id: MAC, token_type: "bearer" });
    const claims = decodeJwt(first.body.access_token);
    expect(claims).toMatchObject({ sub: first.body.user_id, device_id: "phone-1", client_id: MAC, aud: MAC });
    const bearer = { bearer: first.body.access_token };
    const user = await nest.call(`${V2}get_user`, { user_id: first.body.user_id }, bearer);
    expect(user.body.identifiers).toMatchObject([
      { identifier_type: "phone", identifier_value: PHONE, verified_at: expect.any(String) },
    ]);
    const second = await redeemCode(nest, await sentCode(nest));
    expect(second.body).toMatchObject({ user_created: false, user_id: first.body.user_id });
    expect(decodeJwt(second.body.access_token)).not.toHaveProperty("device_id");
  });

  test("keeps the claim device_id when the tokens are refreshed", async () => {
    const { body } = await redeemCode(nest, await sentCode(nest), { device: { device_id: "phone-1" } });
    const refreshed = await nest.refresh(body.refresh_token);
    expect(decodeJwt(refreshed.body.access_token)).toMatchObject({ device_id: "phone-1" });
  });

  test("signs an address in that a magic link signed up, and verifies one that was not verified", async () => {
    const mail = { identifier_type: "email", identifier_value: "ada@example.com" };
    const { user_id } = await nest.signIn();
    await nest.collection("identifiers").updateMany({}, { $set: { verifiedAt: null } });
    const { body } = await redeemCode(nest, await sentCode(nest, mail));
    expect(body).toMatchObject({ user_id, user_created: false });
    expect(await nest.collection("identifiers").findOne()).toMatchObject({ verifiedAt: expect.any(String) });
  });

  test("gives unknown, wrong, used, expired, spent and foreign codes one answer (P17)", async () => {
    const sent = await sentCode(nest);
    const other = await sentCode(nest, { identifier_value: "+6598765432" });
    const answers = [
      await redeemCode(nest, { ...sent, nonce: "0".repeat(64) }),
      await redeemCode(nest, { ...sent, code: wrongCode(sent.code) }),
      await redeemCode(nest, sent, { client_id: WINDOWS }),
      await redeemCode(nest, { nonce: other.nonce, code: sent.code }),
    ];
    expect((await redeemCode(nest, sent)).status).toBe(200);
    answers.push(await redeemCode(nest, sent));
    nest.clock.advance(601);
    answers.push(await redeemCode(nest, other));
    for (const reply of answers) expect(answerOf(reply)).toEqual(NOT_FOUND);
  });

  test.each(["１２３４５６", " 123456", "-12345", "12345", "1234567", "1234 56", "0x1e24"])(
    "refuses %j as a wrong code",
    async (code) => {
      const sent = await sentCode(nest);
      expect(answerOf(await redeemCode(nest, { ...sent, code }))).toEqual(NOT_FOUND);
      expect((await redeemCode(nest, sent)).status).toBe(200);
    },
  );

  test("requires nonce and code", async () => {
    const ask = (body: object) =>
      nest.call(`${V3}authenticate_user`, { client_id: MAC, grant_type: "otp", ...body });
    expect((await ask({ code: "1" })).body.code).toBe("nonce_missing");
    expect((await ask({ nonce: "1" })).body.code).toBe("code_missing");
  });

  test("refuses a code that was made for another purpose, even with the right nonce", async () => {
    const sent = await sentCode(nest);
    for (const purpose of ["verify_identifier", "reset_password", "mfa", "mfa_enrol", "invite"]) {
      await nest.collection("verifications").updateOne({}, { $set: { purpose, attempts: 0 } });
      expect(answerOf(await redeemCode(nest, sent))).toEqual(NOT_FOUND);
    }
    await nest.collection("verifications").updateOne({}, { $set: { purpose: "register", attempts: 0 } });
    expect((await redeemCode(nest, sent)).status).toBe(200);
  });

  test("serves the grants of earlier versions as those do", async () => {
    const body = { client_id: MAC, grant_type: "authorization_code", code: await nest.emailedCode() };
    const { V1: _v1, ...exchange } = { V1: null, redirect_uri: "https://magic.getbeak.app/" };
    const code_verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const reply = await nest.call(`${V3}authenticate_user`, { ...body, ...exchange, code_verifier });
    expect(reply.status).toBe(200);
    expect(reply.body).not.toHaveProperty("user_created");
  });
});

describe("many redemptions at once", () => {
  test("of 50 wrong codes, at most 5 are compared, and the right code is refused then", async () => {
    const { nonce, code } = await sentCode(nest);
    const { codeKey } = await openCodeKey();
    const matches = codeKey.matches.bind(codeKey);
    let compared = 0;
    codeKey.matches = (...given) => {
      compared++;
      return matches(...given);
    };
    const guesses = Array.from({ length: 50 }, (_one, index) => String(900_000 + index)).filter(
      (guess) => guess !== code,
    );
    const replies = await Promise.all(guesses.map((guess) => redeemCode(nest, { nonce, code: guess })));
    for (const reply of replies) expect(answerOf(reply)).toEqual(NOT_FOUND);
    expect(answerOf(await redeemCode(nest, { nonce, code }))).toEqual(NOT_FOUND);
    expect(compared).toBe(ATTEMPTS_LIMIT);
    const stored = await nest.collection("verifications").findOne({ nonceHash: hashSecret(nonce) } as object);
    expect(stored?.attempts).toBe(ATTEMPTS_LIMIT);
  });

  test("of 50 right codes, one gets a session", async () => {
    const sent = await sentCode(nest);
    const replies = await Promise.all(Array.from({ length: 50 }, () => redeemCode(nest, sent)));
    const [won, ...others] = replies.filter(({ status }) => status === 200);
    expect(won?.body).toMatchObject({ user_created: true });
    expect(others).toEqual([]);
    for (const reply of replies.filter((one) => one !== won)) expect(answerOf(reply)).toEqual(NOT_FOUND);
    expect(await nest.collection("sessions").countDocuments()).toBe(1);
    expect(await nest.collection("users").countDocuments()).toBe(1);
    expect(await nest.collection("identifiers").countDocuments()).toBe(1);
  });

  /** The part of the running functions. */
  async function openCodeKey() {
    const { codeKey } = await import("#core/parts.ts");
    return { codeKey: nest.gateway.part(codeKey) };
  }
});

describe("a code whose response was lost", () => {
  test("gets the same session and refresh token after 5 s, until the session is used", async () => {
    const sent = await sentCode(nest);
    const lost = await redeemCode(nest, sent);
    expect(answerOf(await redeemCode(nest, sent))).toEqual(NOT_FOUND);
    nest.clock.advance(6);
    const again = await redeemCode(nest, sent);
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({
      ...{ user_created: true, user_id: lost.body.user_id, refresh_token: lost.body.refresh_token },
    });
    expect(await nest.collection("sessions").countDocuments()).toBe(1);
    await nest.call(`${V2}get_user`, { user_id: again.body.user_id }, { bearer: again.body.access_token });
    nest.clock.advance(6);
    expect(answerOf(await redeemCode(nest, sent))).toEqual(NOT_FOUND);
  });

  test("gets nothing if its session was revoked, or another code was requested", async () => {
    const sent = await sentCode(nest);
    const { body } = await redeemCode(nest, sent);
    await nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token: body.refresh_token });
    nest.clock.advance(6);
    expect(answerOf(await redeemCode(nest, sent))).toEqual(NOT_FOUND);
    const next = await sentCode(nest);
    await redeemCode(nest, next);
    await sentCode(nest);
    nest.clock.advance(6);
    expect(answerOf(await redeemCode(nest, next))).toEqual(NOT_FOUND);
  });
});
