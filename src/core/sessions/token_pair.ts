import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { DAY, plusSeconds } from "#core/clock.ts";
import { newId } from "#core/ids.ts";
import type { AccessToken, Grant } from "#core/repositories/access_tokens.ts";
import type { RefreshToken } from "#core/repositories/refresh_tokens.ts";
import { purgeAfter } from "#core/retention.ts";
import { mintAccessToken, type TokenMint } from "#core/sessions/access_token.ts";

export const REFRESH_TOKEN_LIFETIME_SECONDS = 365 * DAY;

/** Where in a session a token is issued. */
export interface Issue {
  client: OAuthClient;
  userId: string;
  sessionId: string;
  /** ISO; the session's start bounds every expiry where the client limits sessions. */
  sessionCreatedAt: string;
  generation: number;
  grant: Grant;
  rootGrant: Grant;
  now: Date;
  call: Call;
}

/** When a session that began at `createdAt` ends, whatever it does; null where its client does not say so. */
export function sessionEnd({ sessionMaxDays }: OAuthClient, createdAt: string): Date | null {
  return sessionMaxDays === null ? null : plusSeconds(new Date(createdAt), sessionMaxDays * DAY);
}

function bounded(issue: Issue, lifetimeSeconds: number): Date {
  const natural = plusSeconds(issue.now, lifetimeSeconds);
  const end = sessionEnd(issue.client, issue.sessionCreatedAt);
  return end !== null && end < natural ? end : natural;
}

/** When a refresh token issued now ends. */
export function refreshTokenExpiry(issue: Issue): Date {
  return bounded(issue, REFRESH_TOKEN_LIFETIME_SECONDS);
}

function tokenFields(issue: Issue, expiresAt: Date) {
  return {
    clientId: issue.client.id,
    userId: issue.userId,
    sessionId: issue.sessionId,
    generation: issue.generation,
    grant: issue.grant,
    rootGrant: issue.rootGrant,
    cidrBlocks: [issue.call.ip],
    createdAt: issue.now.toISOString(),
    expiresAt: expiresAt.toISOString(),
    revokedAt: null,
    purgeAt: purgeAfter(expiresAt),
  };
}

/** A new access token's record. */
export function newAccessToken(issue: Issue): AccessToken {
  return {
    _id: newId("accessToken"),
    ...tokenFields(issue, bounded(issue, issue.client.accessTokenLifetime)),
  };
}

/** A new refresh token's record; `keyHash` is the SHA-256 of its secret half. */
export function newRefreshToken(issue: Issue, id: string, keyHash: string): RefreshToken {
  return {
    _id: id,
    key: keyHash,
    ...tokenFields(issue, refreshTokenExpiry(issue)),
    usedAt: null,
    rotation: null,
  };
}

/** What both grants of `authenticate_user` answer (contract B3). */
export interface TokenPair {
  accessToken: string;
  /** Seconds. */
  expiresIn: number;
  expiresAt: string;
  refreshToken: string;
  userId: string;
  clientId: string;
}

/** Signs the access token and puts the answer together. */
export async function tokenPair(
  mint: TokenMint,
  token: AccessToken,
  refreshToken: { id: string; secret: string },
): Promise<TokenPair> {
  return {
    accessToken: await mintAccessToken(mint, token),
    expiresIn: Math.round((Date.parse(token.expiresAt) - Date.parse(token.createdAt)) / 1000),
    expiresAt: token.expiresAt,
    refreshToken: `01.${refreshToken.id}.${refreshToken.secret}`,
    userId: token.userId,
    clientId: token.clientId,
  };
}
