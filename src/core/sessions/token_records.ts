import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { plusSeconds } from "#core/clock.ts";
import type { AccessToken, Grant } from "#core/repositories/access_tokens.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import type { RefreshToken } from "#core/repositories/refresh_tokens.ts";
import type { Session } from "#core/repositories/sessions.ts";
import { purgeAccessTokenAfter, purgeAfter } from "#core/retention.ts";
import { hashSecret } from "#core/secrets.ts";
import type { Authentication } from "#core/sessions/authentication.ts";
import type { RefreshTokenParts } from "#core/sessions/refresh_token.ts";
import type { SecondFactorCheck } from "#core/sessions/second_factor_check.ts";
import { REFRESH_TOKEN_LIFETIME_SECONDS, sessionEnd } from "#core/sessions/session_end.ts";

/** One issue of an access token, and the session that it belongs to. */
export interface AccessIssue extends Authentication {
  client: OAuthClient;
  userId: string;
  device: Device | null;
  /** The id that the app gave its device; null if it gave none. */
  deviceId?: string | null | undefined;
  sessionId: string;
  /** The account that the user chose for the session. Absent: the user's default account. */
  accountId?: string | undefined;
  /** When the session started, ISO. A client may limit the time from then until the session ends. */
  startedAt: string;
  /** When the first factor was proved, ISO. Absent: the sign-in asked for no second one. */
  firstFactorAt?: string | undefined;
  generation: number;
  grant: Grant;
  /** The grant that the user signed in with. */
  rootGrant: Grant;
  accessTokenId: string;
  now: Date;
  call: Call;
}

/** One issue of tokens: at sign-in (generation 1) or at a refresh. */
export interface Issue extends AccessIssue {
  refreshToken: RefreshTokenParts;
  /** Why no second factor is asked for. */
  secondFactor: SecondFactorCheck;
}

/** What the claims of the access token have besides its record. */
export const claimSources = ({ deviceId = null, client }: AccessIssue) => ({
  deviceId,
  copies: client.claims,
});

/** The record of the access token. */
export function accessTokenRecord(issue: AccessIssue): AccessToken {
  const expiresAt = expiry(issue, issue.client.accessTokenLifetimeSeconds);
  return {
    _id: issue.accessTokenId,
    ...tokenFields(issue, expiresAt),
    purgeAt: purgeAccessTokenAfter(expiresAt),
  };
}

/** The record of the refresh token, which holds the SHA-256 of its secret. */
export function refreshTokenRecord(issue: Issue): RefreshToken {
  const expiresAt = expiry(issue, REFRESH_TOKEN_LIFETIME_SECONDS);
  return {
    _id: issue.refreshToken.id,
    key: hashSecret(issue.refreshToken.secret),
    ...tokenFields(issue, expiresAt),
    purgeAt: purgeAfter(expiresAt),
    usedAt: null,
    rotation: null,
  };
}

/** The record of a session that starts. It lasts as long as its refresh token. */
export function sessionRecord(issue: AccessIssue): Session {
  const expiresAt = expiry(issue, REFRESH_TOKEN_LIFETIME_SECONDS);
  return {
    _id: issue.sessionId,
    userId: issue.userId,
    clientId: issue.client.id,
    rootGrant: issue.rootGrant,
    ...(issue.accountId === undefined ? {} : { accountId: issue.accountId }),
    device: issue.device,
    ...(issue.deviceId ? { deviceId: issue.deviceId } : {}),
    ip: issue.call.ip,
    userAgent: issue.call.userAgent,
    createdAt: issue.startedAt,
    authTime: issue.authTime,
    ...(issue.firstFactorAt === undefined ? {} : { firstFactorAt: issue.firstFactorAt }),
    amr: [...issue.amr],
    lastUsedAt: issue.now.toISOString(),
    generation: issue.generation,
    acknowledgedGeneration: 0,
    expiresAt: expiresAt.toISOString(),
    revokedAt: null,
    revokedReason: null,
    purgeAt: purgeAfter(expiresAt),
  };
}

/** The expiry of a token issued now: after its lifetime, or with its session if the session ends earlier. */
function expiry({ client, startedAt, now }: AccessIssue, lifetimeSeconds: number): Date {
  const afterLifetime = plusSeconds(now, lifetimeSeconds);
  const end = sessionEnd(client, startedAt, now);
  return end < afterLifetime ? end : afterLifetime;
}

function tokenFields(issue: AccessIssue, expiresAt: Date) {
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
  };
}
