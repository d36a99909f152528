import type { TokenMint } from "#core/auth/access_token.ts";
import { countFailures } from "#core/auth/failure_limit.ts";
import type { OAuthClients } from "#core/auth/oauth_clients.ts";
import { verifiesChallenge } from "#core/auth/pkce.ts";
import {
  type Issue,
  newAccessToken,
  newRefreshToken,
  refreshTokenExpiry,
  type TokenPair,
  tokenPair,
} from "#core/auth/token_pair.ts";
import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { type ErrorCode, NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import type { RateLimiter } from "#core/rate_limiter.ts";
import type { Grant } from "#core/repositories/access_tokens.ts";
import { type Authorization, FAILED_REDEMPTIONS_LIMIT } from "#core/repositories/authorizations.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { purgeAfter } from "#core/retention.ts";
import { hashSecret, matchesHash, newSecret } from "#core/secrets.ts";
import { ensureUser } from "#core/users/sign_in_user.ts";

export interface CodeGrant {
  clientId: string;
  code: string | undefined;
  codeVerifier: string | undefined;
  redirectUri: string | undefined;
}

type SignInCore = Pick<
  Core,
  | "accessTokens"
  | "authorizations"
  | "clock"
  | "identifiers"
  | "log"
  | "refreshTokens"
  | "sessions"
  | "trials"
  | "users"
> &
  TokenMint & { oauthClients: OAuthClients; rateLimiter: RateLimiter };

/**
 * Signs a person in with the code of a mailed link (OAuth 2.1 section 4.1.3; order of checks: contract B3).
 * @throws NestError code_missing, code_verifier_missing, redirect_uri_missing, malformed_code, not_found,
 *   token_not_found, token_used, authorization_not_found, token_expired, incorrect_client, incorrect_redirect_uri,
 *   incorrect_code_verifier, client_not_found, rate_limited
 */
export async function redeemAuthorizationCode(
  core: SignInCore,
  grant: CodeGrant,
  call: Call,
): Promise<TokenPair> {
  if (grant.code === undefined) throw new NestError("code_missing");
  if (grant.codeVerifier === undefined) throw new NestError("code_verifier_missing");
  if (grant.redirectUri === undefined) throw new NestError("redirect_uri_missing");
  const presented = {
    clientId: grant.clientId,
    codeVerifier: grant.codeVerifier,
    redirectUri: grant.redirectUri,
  };
  const { id, secret } = splitCode(grant.code);
  return countFailures(core, call, async (withinLimit) => {
    const [found] = await Promise.all([core.authorizations.find(id), withinLimit]);
    const now = core.clock.now();
    requireRedeemable(found, secret, now);
    const mismatch = firstMismatch(found, presented);
    if (mismatch) {
      await core.authorizations.countFailure(id);
      throw new NestError(mismatch);
    }
    const client = core.oauthClients.require(found.clientId);

    // What can't be signed must not be spent.
    await core.signer.key();
    const [redeemed, known] = await Promise.all([
      core.authorizations.redeem(id, now.toISOString()),
      core.identifiers.findActive("email", found.identifierValue),
    ]);
    if (!redeemed) {
      // Another request was faster: to spend it, to revoke it, or to fail once too often.
      requireRedeemable(await core.authorizations.find(id), secret, now);
      throw new NestError("token_used");
    }
    const identifier = await ensureUser(core, found.identifierValue, known, now.toISOString());
    const rootGrant: Grant = { type: "authorization_code", value: id };
    return startSession(core, redeemed, identifier, {
      client,
      userId: identifier.userId,
      sessionId: newId("session"),
      sessionCreatedAt: now.toISOString(),
      generation: 1,
      grant: rootGrant,
      rootGrant,
      now,
      call,
    });
  });
}

function splitCode(code: string): { id: string; secret: string } {
  const [id, secret, ...rest] = code.split(".");
  if (!id || !secret || rest.length > 0) throw new NestError("malformed_code");
  return { id, secret };
}

function requireRedeemable(
  found: Authorization | null,
  secret: string,
  now: Date,
): asserts found is Authorization {
  if (!found) throw new NestError("not_found");
  if (!matchesHash(secret, found.key)) throw new NestError("token_not_found");
  // From here the caller has shown the key, so naming the failed check gives nothing away.
  if (found.usedAt) throw new NestError("token_used");
  if (found.revokedAt || found.failedRedemptions >= FAILED_REDEMPTIONS_LIMIT)
    throw new NestError("authorization_not_found");
  if (found.expiresAt <= now.toISOString()) throw new NestError("token_expired");
}

function firstMismatch(
  found: Authorization,
  presented: { clientId: string; redirectUri: string; codeVerifier: string },
): ErrorCode | null {
  if (found.clientId !== presented.clientId) return "incorrect_client";
  if (found.redirectUri !== presented.redirectUri) return "incorrect_redirect_uri";
  if (!verifiesChallenge(presented.codeVerifier, found.codeChallenge)) return "incorrect_code_verifier";
  return null;
}

/** Writes the session with its first tokens and everything else a sign-in changes, side by side. */
async function startSession(
  core: SignInCore,
  authorization: Authorization,
  identifier: Identifier,
  issue: Issue,
): Promise<TokenPair> {
  const now = issue.now.toISOString();
  const accessToken = newAccessToken(issue);
  const secret = newSecret();
  const refreshToken = newRefreshToken(issue, newId("refreshToken"), hashSecret(secret));
  const expiresAt = refreshTokenExpiry(issue);
  const deviceHash = authorization.device ? hashSecret(authorization.device.beakId) : null;
  const isNewDevice = deviceHash !== null && !identifier.knownDevices?.includes(deviceHash);
  const [pair] = await Promise.all([
    tokenPair(core, accessToken, { id: refreshToken._id, secret }),
    core.sessions.insert({
      _id: issue.sessionId,
      userId: issue.userId,
      clientId: issue.client.id,
      rootGrant: issue.rootGrant,
      device: authorization.device,
      ip: issue.call.ip,
      userAgent: issue.call.userAgent,
      createdAt: now,
      lastUsedAt: now,
      generation: issue.generation,
      acknowledgedGeneration: 0,
      expiresAt: expiresAt.toISOString(),
      revokedAt: null,
      revokedReason: null,
      purgeAt: purgeAfter(expiresAt),
    }),
    core.accessTokens.insert(accessToken),
    core.refreshTokens.insert(refreshToken),
    core.authorizations.revokeOthers(authorization, now),
    core.trials.recordSignIn(authorization.identifierValue, authorization.trialId, now),
    identifier.verifiedAt ? null : core.identifiers.verify(identifier._id, now),
    isNewDevice ? core.identifiers.rememberDevice(identifier._id, deviceHash) : null,
  ]);
  core.log.info("signed_in", {
    user_id: issue.userId,
    client_id: issue.client.id,
    session_id: issue.sessionId,
  });
  return pair;
}
