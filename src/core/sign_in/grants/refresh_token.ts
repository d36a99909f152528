import { optional } from "zod/mini";
import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import { bySuspect } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import { revocation } from "#core/events/session_revoked.ts";
import { derivedIdOf, newId } from "#core/ids.ts";
import { networkOf } from "#core/network.ts";
import type { RefreshToken, Rotation } from "#core/repositories/refresh_tokens.ts";
import type { Session } from "#core/repositories/sessions.ts";
import type { User } from "#core/repositories/users.ts";
import { matchesHash } from "#core/secrets.ts";
import { authenticationOf } from "#core/sessions/authentication.ts";
import { issueSession, type TokenPair } from "#core/sessions/issue_session.ts";
import { predecessorOf } from "#core/sessions/purge_predecessor.ts";
import { deriveRefreshToken, newDerivation, splitRefreshToken } from "#core/sessions/refresh_token.ts";
import { sessionEnd } from "#core/sessions/session_end.ts";
import { hasEnded } from "#core/sessions/session_state.ts";
import type { Issue } from "#core/sessions/token_records.ts";
import { countFailures } from "#core/sign_in/failure_limit.ts";
import type { GrantCore } from "#core/sign_in/grants/grant_core.ts";
import { judgeRefreshTokenUse } from "#core/sign_in/refresh_token_use.ts";
import { text } from "#core/wire.ts";

interface RefreshRequest {
  client_id: string;
  refresh_token?: string | undefined;
}

/** A refresh token (OAuth 2.1 section 4.3). */
export const refreshToken = {
  grantType: "refresh_token",
  parameters: { refresh_token: optional(text()) },
  redeem: rotateRefreshToken,
} as const;

/**
 * Exchanges a refresh token for its one successor and a new access token (contract 1.2).
 *
 * If the response is lost, the app keeps the old token and repeats the request. So a used token gets the same successor
 * until the successor is acknowledged. The successor's secret is derived from the presented secret, so the repeated request
 * also completes a refresh that stopped between its writes.
 * @throws NestError refresh_token_missing, malformed_refresh_token, not_found, token_not_found, incorrect_client,
 *   client_not_found, authorization_not_found, token_expired, token_used, rate_limited, unavailable
 */
async function rotateRefreshToken(core: GrantCore, request: RefreshRequest, call: Call): Promise<TokenPair> {
  if (request.refresh_token === undefined) throw new NestError("refresh_token_missing");
  const presented = splitRefreshToken(request.refresh_token);
  if (!presented) throw new NestError("malformed_refresh_token");
  return countFailures(core, call, async () => {
    const found = await core.refreshTokens.findWithSession(presented.id);
    const token = requireOwn(found?.token, presented.secret, request.client_id);
    const client = core.oauthClients.require(request.client_id);
    const now = core.clock.now();
    const session = requireSession(
      { session: found?.session, user: found?.user ?? null },
      token,
      client,
      now,
    );

    // A token must not be used up when no access token can be signed.
    await core.signer.key();
    const used = await useToken(core, token, now, call);
    const { rotation } = used.current ?? token;
    if (!rotation) throw new NestError("authorization_not_found");
    const { generation, userId, rootGrant } = token;
    const { acknowledgedGeneration } = session;
    const usedToken = { ...used, rotation, generation, acknowledgedGeneration };
    if (judgeRefreshTokenUse(usedToken, now) === "reused") {
      await endStolenSession(core, { session, token, now, call });
      throw new NestError("token_used");
    }
    // A fresh token has no successor yet; a replayable token gets the same successor again.
    if (used.successor?.revokedAt) throw new NestError("authorization_not_found");
    const issue: Issue = {
      ...{
        client,
        userId,
        device: session.device,
        deviceId: session.deviceId,
        sessionId: session._id,
        startedAt: session.createdAt,
      },
      ...authenticationOf(session),
      ...{ generation: generation + 1, grant: { type: "refresh_token", value: token._id }, rootGrant },
      accessTokenId: accessTokenIdOf(rotation),
      refreshToken: deriveRefreshToken(core.refreshKeys, rotation, rotation.successorId, presented.secret),
      ...{ now, call, secondFactor: "earlier" },
    };
    // The client has this token, so its predecessor can be purged. Of several concurrent calls, only the first writes the
    // predecessor's document. If there is no successor, the first call may have stopped before that write.
    const isFirstToWrite = used.isFirstUse || used.successor === null;
    return issueSession(core, issue, isFirstToWrite ? predecessorOf(token.grant) : null);
  });
}

/**
 * The id of the access token that a refresh issues. Every repetition of the refresh gets a token of the same id, so it
 * extends one record instead of adding another, and the tokens of earlier repetitions stay valid.
 */
const accessTokenIdOf = ({ successorId }: Rotation) => derivedIdOf(successorId, "accessToken");

/** Checks that do not depend on the token's state. @throws NestError not_found, token_not_found, incorrect_client */
function requireOwn(token: RefreshToken | undefined, secret: string, clientId: string): RefreshToken {
  if (!token) throw new NestError("not_found");
  if (!matchesHash(secret, token.key)) throw new NestError("token_not_found");
  if (token.clientId !== clientId) throw new NestError("incorrect_client");
  return token;
}

/** @throws NestError authorization_not_found, token_expired */
function requireSession(
  { session, user }: { session: Session | null | undefined; user: User | null },
  token: RefreshToken,
  client: OAuthClient,
  now: Date,
): Session {
  if (token.revokedAt || !session || hasEnded(session, user)) throw new NestError("authorization_not_found");
  // The client's limits may have been lowered since the token was issued.
  const end = sessionEnd(client, session.createdAt, new Date(session.lastUsedAt));
  if (isExpired(token, now) || end <= now) throw new NestError("token_expired");
  return session;
}

const isExpired = (token: RefreshToken, now: Date) => token.expiresAt <= now.toISOString();

interface TokenAfterUse {
  /** The token after this call: with its rotation if it was ever used. Null if it was removed meanwhile. */
  current: RefreshToken | null;
  successor: RefreshToken | null;
  isFirstUse: boolean;
}

/**
 * Uses the token if it is unused, and reads its successor if it is used. Takes one command, unless a concurrent call uses the
 * token first.
 */
async function useToken(core: GrantCore, token: RefreshToken, now: Date, call: Call): Promise<TokenAfterUse> {
  const isUsable = token.usedAt === null && token.revokedAt === null;
  const rotated = isUsable ? await core.refreshTokens.rotate(token._id, newRotation(core, now, call)) : null;
  if (rotated) return { current: rotated, successor: null, isFirstUse: true };
  // If the token was usable when it was read, another call has used or revoked it since.
  const current = isUsable ? await core.refreshTokens.find(token._id) : token;
  const rotation = current?.rotation;
  return {
    current,
    successor: rotation ? await core.refreshTokens.find(rotation.successorId) : null,
    isFirstUse: false,
  };
}

function newRotation({ refreshKeys }: GrantCore, now: Date, call: Call): Rotation {
  return {
    successorId: newId("refreshToken"),
    ...newDerivation(refreshKeys),
    usedAt: now.toISOString(),
    network: networkOf(call.ip),
  };
}

/** A used refresh token that was used again after its successor. */
interface Reuse {
  session: Session;
  token: RefreshToken;
  now: Date;
  call: Call;
}

/** Revokes the session of a token that two parties used. Of many concurrent calls, only the first logs it. */
async function endStolenSession(core: GrantCore, { session, token, now, call }: Reuse): Promise<void> {
  const { _id: sessionId, userId, clientId } = session;
  const source = bySuspect({ clientId, sessionId }, call);
  const at = now.toISOString();
  const target = { type: "session", id: sessionId } as const;
  const reuse = { userId, target, data: { refreshTokenId: token._id } };
  const end = revocation(session, "refresh_token_reuse", source, at);
  const events = [recordEvent("token.reuse_detected", reuse, source, at), ...end.events];
  const isFirst = await core.sessions.revoke(sessionId, { ...end, events });
  if (!isFirst) return;
  core.log.warn("refresh_token_reuse", {
    security_event: true,
    session_id: sessionId,
    user_id: userId,
    client_id: clientId,
  });
}
