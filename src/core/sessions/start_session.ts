import type { OAuthClients } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { newId } from "#core/ids.ts";
import type { RateLimiter } from "#core/rate_limiter.ts";
import type { Authorization } from "#core/repositories/authorizations.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { purgeAfter } from "#core/retention.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import type { TokenMint } from "#core/sessions/access_token.ts";
import {
  type Issue,
  newAccessToken,
  newRefreshToken,
  refreshTokenExpiry,
  type TokenPair,
  tokenPair,
} from "#core/sessions/token_pair.ts";

/** What a sign-in uses. */
export type SignInCore = Pick<
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
 * Writes the session with its first tokens and what else a sign-in changes, side by side. Each of these leaves its own
 * trace, so that one that was lost can be told from one that had nothing to do (`lost_redemption.ts`).
 */
export async function startSession(
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
  const [pair] = await allOver([
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
    identifier.verifiedAt ? null : core.identifiers.verify(identifier._id, now),
    isNewDevice ? core.identifiers.rememberDevice(identifier._id, deviceHash) : null,
  ]);
  return pair;
}

/** Like `Promise.all`, but fails only when all are over: nothing may still be written when a failure is undone. */
export async function allOver<Work extends readonly unknown[]>(work: [...Work]) {
  await Promise.allSettled(work);
  return Promise.all(work);
}
