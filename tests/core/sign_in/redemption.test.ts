import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { Authorization } from "#core/repositories/authorizations.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Redemption } from "#core/repositories/redeemable.ts";
import type { RefreshToken } from "#core/repositories/refresh_tokens.ts";
import type { Session } from "#core/repositories/sessions.ts";
import { hashSecret } from "#core/secrets.ts";
import { judgeRedemption, refusalToResume, type WrittenSignIn } from "#core/sign_in/redemption.ts";

const NOW = new Date("2026-06-01T12:00:00.000Z");
const before = (milliseconds: number) => new Date(NOW.getTime() - milliseconds).toISOString();

const presented = {
  id: "authzcode_1",
  secret: "secret",
  clientId: "client_1",
  codeVerifier: "verifier",
  redirectUri: "https://app.example/",
};
const link: Authorization = {
  _id: presented.id,
  key: hashSecret(presented.secret),
  clientId: presented.clientId,
  state: "state",
  codeChallengeMethod: "S256",
  codeChallenge: createHash("sha256").update(presented.codeVerifier).digest("base64url"),
  redirectUri: presented.redirectUri,
  identifierType: "email",
  identifierValue: "ada@example.com",
  device: null,
  trialId: null,
  createdAt: before(60_000),
  expiresAt: before(-60_000),
  usedAt: null,
  revokedAt: null,
  failedRedemptions: 0,
  purgeAt: NOW,
};
const startedAt = (milliseconds: number): Redemption => ({
  sessionId: "session_1",
  accessTokenId: "acstok_1",
  refreshTokenId: "reftok_1",
  salt: "00",
  keyId: "1",
  startedAt: before(milliseconds),
});
const used = { usedAt: before(30_000), redemption: startedAt(5_000) };

test.each<[string, Partial<Authorization>, Partial<typeof presented>, string]>([
  ["an open link", {}, {}, "redeem"],
  ["a wrong secret", {}, { secret: "wrong" }, "token_not_found"],
  ["a wrong secret for a used link", used, { secret: "wrong" }, "token_not_found"],
  ["a revoked link", { revokedAt: before(1) }, {}, "authorization_not_found"],
  ["a link with 9 failures", { failedRedemptions: 9 }, {}, "redeem"],
  ["a link with 10 failures", { failedRedemptions: 10 }, {}, "authorization_not_found"],
  ["a link that expires in a millisecond", { expiresAt: before(-1) }, {}, "redeem"],
  ["a link that expires now", { expiresAt: before(0) }, {}, "token_expired"],
  ["another client", {}, { clientId: "client_2" }, "incorrect_client, counted"],
  ["another redirect URI", {}, { redirectUri: "https://b.example/" }, "incorrect_redirect_uri, counted"],
  ["another verifier", {}, { codeVerifier: "other" }, "incorrect_code_verifier, counted"],
  [
    "another verifier for a revoked link",
    { revokedAt: before(1) },
    { codeVerifier: "other" },
    "authorization_not_found",
  ],
  ["a used link after 5 s", used, {}, "resume"],
  ["a used link after 4.999 s", { ...used, redemption: startedAt(4_999) }, {}, "token_used"],
  ["a used link that expires now", { ...used, expiresAt: before(0) }, {}, "token_used"],
  ["a used link with 9 failures", { ...used, failedRedemptions: 9 }, {}, "resume"],
  ["a used link with 10 failures", { ...used, failedRedemptions: 10 }, {}, "token_used"],
  ["a used link that was revoked", { ...used, revokedAt: before(1) }, {}, "token_used"],
  ["a used link, after another one signed in", { ...used, redemption: null }, {}, "token_used"],
  ["a link that the previous release redeemed", { usedAt: before(30_000) }, {}, "token_used"],
  ["a used link with another verifier", used, { codeVerifier: "other" }, "token_used, counted"],
  ["a used link with another client", used, { clientId: "client_2" }, "token_used, counted"],
  [
    "another verifier while the redemption may be running",
    { ...used, redemption: startedAt(0) },
    { codeVerifier: "other" },
    "token_used",
  ],
])("judgeRedemption: %s", (_case, change, presentedChange, expected) => {
  const decision = judgeRedemption({ ...link, ...change }, { ...presented, ...presentedChange }, NOW);
  const result =
    decision.outcome === "refuse"
      ? `${decision.code}${decision.countsAsFailure ? ", counted" : ""}`
      : decision.outcome;
  expect(result).toBe(expected);
});

test("judgeRedemption: an unknown id is not_found", () => {
  expect(judgeRedemption(null, presented, NOW)).toMatchObject({ outcome: "refuse", code: "not_found" });
});

const written: WrittenSignIn = {
  session: {
    userId: "user_1",
    generation: 1,
    acknowledgedGeneration: 0,
    revokedAt: null,
  } as Session,
  refreshToken: { usedAt: null, revokedAt: null } as RefreshToken,
  identifier: { userId: "user_1" } as Identifier,
  user: { _id: "user_1", createdAt: before(0) },
};
const session = (change: Partial<Session>) => ({ session: { ...written.session, ...change } as Session });
const refreshToken = (change: Partial<RefreshToken>) => ({
  refreshToken: { ...written.refreshToken, ...change } as RefreshToken,
});

test.each<[string, Partial<WrittenSignIn>, string | null]>([
  ["everything was written", {}, null],
  ["nothing was written", { session: null, refreshToken: null, identifier: null, user: null }, null],
  ["the session was not written", { session: null, user: null }, null],
  ["the refresh token was not written", { refreshToken: null }, null],
  ["the session was revoked", session({ revokedAt: before(0) }), "authorization_not_found"],
  [
    "the session was used and revoked",
    session({ acknowledgedGeneration: 1, revokedAt: before(0) }),
    "token_used",
  ],
  ["the refresh token was revoked", refreshToken({ revokedAt: before(0) }), "authorization_not_found"],
  ["the user was removed", { user: null }, "authorization_not_found"],
  ["the address was removed", { identifier: null }, "authorization_not_found"],
  [
    "the address belongs to another user",
    { identifier: { userId: "user_2" } as Identifier },
    "authorization_not_found",
  ],
  ["the access token was used", session({ acknowledgedGeneration: 1 }), "token_used"],
  ["the session was refreshed", session({ generation: 2 }), "token_used"],
  ["the refresh token was used", refreshToken({ usedAt: before(0) }), "token_used"],
])("refusalToResume: %s", (_case, change, expected) => {
  expect(refusalToResume({ ...written, ...change })).toBe(expected);
});
