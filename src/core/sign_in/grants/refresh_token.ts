import type { Call } from "#core/call.ts";
import type { OAuthClient, OAuthClients } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import type { RefreshKeys } from "#core/keys/refresh_keys.ts";
import { networkOf } from "#core/network.ts";
import type { RateLimiter } from "#core/rate_limiter.ts";
import type { RefreshToken, Rotation } from "#core/repositories/refresh_tokens.ts";
import type { Session } from "#core/repositories/sessions.ts";
import { purgeAfter } from "#core/retention.ts";
import { hashSecret, hmacHex, matchesHash, newSecret } from "#core/secrets.ts";
import type { TokenMint } from "#core/sessions/access_token.ts";
import {
  type Issue,
  newAccessToken,
  newRefreshToken,
  refreshTokenExpiry,
  sessionEnd,
  type TokenPair,
  tokenPair,
} from "#core/sessions/token_pair.ts";
import { countFailures } from "#core/sign_in/failure_limit.ts";

/** Two windows of one machine that refresh at once are not theft (contract 1.2). */
const GRACE_MS = 10_000;

export interface RefreshGrant {
  clientId: string;
  refreshToken: string | undefined;
}

type RefreshCore = Pick<Core, "accessTokens" | "clock" | "log" | "refreshTokens" | "sessions"> &
  TokenMint & { oauthClients: OAuthClients; rateLimiter: RateLimiter; refreshKeys: RefreshKeys };

/**
 * Exchanges a refresh token for its one successor and a fresh access token (contract 1.2).
 *
 * The app gives up after 5 s and keeps the old token when an answer is lost, so a used token is answered again with the
 * same successor until that successor's arrival was seen. The successor's secret is derived, not stored: whoever
 * presents the old secret makes it again, nothing forks, and a crash between the two writes is finished by the replay.
 * @throws NestError refresh_token_missing, malformed_refresh_token, not_found, token_not_found, incorrect_client,
 *   client_not_found, authorization_not_found, token_expired, token_used, rate_limited, unavailable
 */
export async function rotateRefreshToken(
  core: RefreshCore,
  grant: RefreshGrant,
  call: Call,
): Promise<TokenPair> {
  if (grant.refreshToken === undefined) throw new NestError("refresh_token_missing");
  const presented = splitRefreshToken(grant.refreshToken);
  if (!presented) throw new NestError("malformed_refresh_token");
  return countFailures(core, call, async (withinLimit) => {
    const [token] = await Promise.all([core.refreshTokens.find(presented.id), withinLimit]);
    requireOwn(token, presented.secret, grant.clientId);
    const client = core.oauthClients.require(grant.clientId);
    const now = core.clock.now();
    const expired = token.expiresAt <= now.toISOString();

    // What can't be signed must not be rotated.
    await core.signer.key();
    const rotates = token.usedAt === null && token.revokedAt === null && !expired;
    const [session, rotated, successor] = await Promise.all([
      core.sessions.find(token.sessionId),
      rotates ? core.refreshTokens.rotate(token._id, newRotation(core.refreshKeys, now, call)) : null,
      token.rotation ? core.refreshTokens.find(token.rotation.successorId) : null,
    ]);
    if (token.revokedAt || !session || session.revokedAt) throw new NestError("authorization_not_found");
    // Its client may have been given a shorter end since the token was issued.
    const end = sessionEnd(client, session.createdAt);
    if (expired || (end !== null && end <= now)) throw new NestError("token_expired");
    const used = rotated ? null : await readUsed(core, token, successor);
    if (used && !mayReplay(used, session, now, call)) {
      await endStolenSession(core, session, now);
      throw new NestError("token_used");
    }
    const rotation = (rotated ?? used?.token)?.rotation;
    if (!rotation || used?.successor?.revokedAt) throw new NestError("authorization_not_found");
    return answer(core, { token, session, rotation, client, secret: presented.secret, now, call });
  });
}

/** Splits `<version>.<id>.<secret>`; null if it is not of that form. The version may be any text (contract B3). */
export function splitRefreshToken(refreshToken: string): { id: string; secret: string } | null {
  const [version, id, secret, ...rest] = refreshToken.split(".");
  return version && id && secret && rest.length === 0 ? { id, secret } : null;
}

/** Checks that say nothing of the token's life: whose it is and who asks. */
function requireOwn(
  token: RefreshToken | null,
  secret: string,
  clientId: string,
): asserts token is RefreshToken {
  if (!token) throw new NestError("not_found");
  if (!matchesHash(secret, token.key)) throw new NestError("token_not_found");
  if (token.clientId !== clientId) throw new NestError("incorrect_client");
}

function newRotation(refreshKeys: RefreshKeys, now: Date, call: Call): Rotation {
  return {
    successorId: newId("refreshToken"),
    salt: newSecret(),
    keyId: refreshKeys.newest.id,
    usedAt: now.toISOString(),
    network: networkOf(call.ip),
  };
}

interface UsedToken {
  token: RefreshToken;
  successor: RefreshToken | null;
}

/** The token as a faster request left it, and its successor. */
async function readUsed(
  core: RefreshCore,
  token: RefreshToken,
  successor: RefreshToken | null,
): Promise<UsedToken> {
  if (token.rotation) return { token, successor };
  const now = await core.refreshTokens.find(token._id);
  if (!now?.rotation) throw new NestError("authorization_not_found");
  return { token: now, successor: await core.refreshTokens.find(now.rotation.successorId) };
}

function mayReplay({ token, successor }: UsedToken, session: Session, now: Date, call: Call): boolean {
  const { rotation } = token;
  if (!rotation) return false;
  const isAcknowledged = session.acknowledgedGeneration > token.generation || successor?.usedAt != null;
  if (!isAcknowledged) return true;
  const sinceFirstUse = now.getTime() - Date.parse(rotation.usedAt);
  return sinceFirstUse <= GRACE_MS && rotation.network === networkOf(call.ip);
}

async function endStolenSession(core: RefreshCore, session: Session, now: Date): Promise<void> {
  const isFirst = await core.sessions.revoke(session._id, "refresh_token_reuse", now.toISOString());
  if (!isFirst) return;
  core.log.warn("refresh_token_reuse", {
    security_event: true,
    session_id: session._id,
    user_id: session.userId,
    client_id: session.clientId,
  });
}

interface Rotated {
  token: RefreshToken;
  session: Session;
  rotation: Rotation;
  client: OAuthClient;
  secret: string;
  now: Date;
  call: Call;
}

async function answer(core: RefreshCore, rotated: Rotated): Promise<TokenPair> {
  const { token, session, rotation, client, now, call } = rotated;
  const key = core.refreshKeys.find(rotation.keyId);
  // A key taken away too early must not look like theft: the client keeps its token and tries again.
  if (key === null)
    throw new NestError("unavailable", { detail: "REFRESH_KEYS lacks a key in use", retryAfterSeconds: 60 });
  const secret = hmacHex(key, rotation.salt, rotated.secret, rotation.successorId);
  const issue: Issue = {
    client,
    userId: token.userId,
    sessionId: session._id,
    sessionCreatedAt: session.createdAt,
    generation: token.generation + 1,
    grant: { type: "refresh_token", value: token._id },
    rootGrant: token.rootGrant,
    now,
    call,
  };
  const accessToken = newAccessToken(issue);
  const expiresAt = refreshTokenExpiry(issue);
  const [pair, stands] = await Promise.all([
    tokenPair(core, accessToken, { id: rotation.successorId, secret }),
    core.sessions.advance(session._id, {
      generation: issue.generation,
      now: now.toISOString(),
      expiresAt: expiresAt.toISOString(),
      purgeAt: purgeAfter(expiresAt),
    }),
    core.accessTokens.insert(accessToken),
    core.refreshTokens.insertIfAbsent(newRefreshToken(issue, rotation.successorId, hashSecret(secret))),
  ]);
  if (!stands) throw new NestError("authorization_not_found"); // signed out in between
  return pair;
}
