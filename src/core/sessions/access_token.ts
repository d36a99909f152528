import { errors, jwtVerify, SignJWT } from "jose";
import { refine, string } from "zod/mini";
import type { OAuthClient, OAuthClients } from "#core/clients/oauth_clients.ts";
import type { Clock } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";
import type { Signer, VerifyingKeys } from "#core/keys/keys_in_use.ts";
import type { AccessToken } from "#core/repositories/access_tokens.ts";
import type { Authentication } from "#core/sessions/authentication.ts";

/** `typ` of an access token (RFC 9068 section 2.1). Other tokens that we sign have another `typ` and are refused. */
const ACCESS_TOKEN_TYPE = "at+jwt";
/** Version of our claims. */
const CLAIMS_VERSION = "1";
/**
 * A JWS signed with ES256 in strict base64url (RFC 7515 section 2): no padding, no whitespace, no unused bits. jose accepts
 * all three, but a token must have exactly one valid spelling.
 */
const COMPACT_ES256 = /^[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]$/;
/** Tolerated clock difference between our instances. */
const CLOCK_SKEW_SECONDS = 60;

export const issuerVariables = {
  ISSUER: string().check(refine((value) => URL.canParse(value) && !value.endsWith("/"))),
};

export interface TokenMint {
  issuer: string;
  signer: Signer;
}

/** The claims of a verified access token. Its record and session must still be checked. */
export interface AccessTokenClaims {
  id: string;
  userId: string;
  clientId: string;
  sessionId: string;
}

const seconds = (iso: string) => Math.floor(Date.parse(iso) / 1000);

/** What the claims of a token have besides its record. */
interface ClaimSources {
  /** The claim `device_id`; null: no such claim. */
  deviceId: string | null;
  /** The setting `claims` of the client. */
  copies: OAuthClient["claims"];
}

/**
 * Signs the JWS of an access token (RFC 9068; claims: contract 1.2). The client may want claims under names of its own as well.
 * @param authentication for the claims `auth_time` and `amr`; null leaves them out
 */
export async function mintAccessToken(
  { issuer, signer }: TokenMint,
  token: AccessToken,
  { deviceId, copies }: ClaimSources,
  authentication: Authentication | null,
): Promise<string> {
  const { kid, key } = await signer.key();
  const device = deviceId === null ? {} : { device_id: deviceId };
  const proof = authentication && { auth_time: seconds(authentication.authTime), amr: authentication.amr };
  const own = { v: CLAIMS_VERSION, client_id: token.clientId, sid: token.sessionId };
  const standard: Record<string, unknown> = { ...own, ...device, sub: token.userId };
  const copied = Object.entries(copies).map(([name, claim]) => [name, standard[claim]]);
  return new SignJWT({ ...Object.fromEntries(copied), ...own, ...device, ...proof })
    .setProtectedHeader({ alg: "ES256", typ: ACCESS_TOKEN_TYPE, kid })
    .setIssuer(issuer)
    .setSubject(token.userId)
    .setAudience(token.clientId)
    .setIssuedAt(seconds(token.createdAt))
    .setExpirationTime(seconds(token.expiresAt))
    .setJti(token._id)
    .sign(key);
}

/** The reasons that `unauthorized` names. */
export const BEARER_REASONS = [
  "malformed_token",
  "unknown_token_type",
  "invalid_token",
  "invalid_token_version",
  "token_not_found",
  "token_revoked",
  "token_expired",
] as const;

export type BearerReason = (typeof BEARER_REASONS)[number];

/** The error for a credential that is present and invalid; it makes the app refresh its tokens (contract 1.1, A9). */
export function unauthorized(reason: BearerReason, cause?: unknown): NestError {
  return new NestError("unauthorized", { reasons: [{ code: reason }], cause });
}

/**
 * Verifies signature, type, issuer, audience, lifetime and version of an access token.
 * @throws NestError unauthorized
 */
export async function verifyAccessToken(
  core: { issuer: string; verifyingKeys: VerifyingKeys; oauthClients: OAuthClients; clock: Clock },
  jws: string,
): Promise<AccessTokenClaims> {
  if (!COMPACT_ES256.test(jws)) throw unauthorized("invalid_token");
  const now = core.clock.now();
  const { payload } = await jwtVerify(
    jws,
    async ({ kid }) => {
      const key = await core.verifyingKeys.verifier(kid, now);
      if (!key) throw unauthorized("invalid_token");
      return key;
    },
    {
      algorithms: ["ES256"],
      typ: ACCESS_TOKEN_TYPE,
      issuer: core.issuer,
      currentDate: now,
      requiredClaims: ["sub", "aud", "exp", "iat", "jti"],
    },
  ).catch((error: unknown) => {
    throw unauthorized(error instanceof errors.JWTExpired ? "token_expired" : "invalid_token", error);
  });
  if (payload.v !== CLAIMS_VERSION) throw unauthorized("invalid_token_version");
  const { jti: id, sub: userId, aud: clientId, sid: sessionId, iat = 0 } = payload;
  // jose checks the type of times only. An object in another claim would reach the database as a query operator.
  if (!isText(id) || !isText(userId) || !isText(clientId) || !isText(sessionId))
    throw unauthorized("invalid_token");
  const isFromFuture = iat > now.getTime() / 1000 + CLOCK_SKEW_SECONDS;
  if (isFromFuture || payload.client_id !== clientId || !core.oauthClients.find(clientId))
    throw unauthorized("invalid_token");
  return { id, userId, clientId, sessionId };
}

const isText = (claim: unknown): claim is string => typeof claim === "string";
