import type { Core } from "#core/core.ts";
import type { AccessToken } from "#core/repositories/access_tokens.ts";
import type { AuthenticationMethod } from "#core/repositories/sessions.ts";
import type { User } from "#core/repositories/users.ts";
import { type AccessTokenClaims, unauthorized } from "#core/sessions/access_token.ts";
import { authenticationOf } from "#core/sessions/authentication.ts";
import { purgePredecessor } from "#core/sessions/purge_predecessor.ts";
import { hasEnded } from "#core/sessions/session_state.ts";

/** An access token that was accepted. */
export interface ValidToken {
  /** When the user signed in, ISO. */
  authTime: string;
  /** How the user signed in. */
  amr: readonly AuthenticationMethod[];
  /** The user as it was read; null if there is none. */
  user: User | null;
  /** The account that the user chose at the sign-in; null: none. */
  accountId: string | null;
  /** Records that this generation of tokens, or the token of a step-up, was used; null if the use is recorded already. */
  acknowledge: (() => Promise<void>) | null;
}

type BearerCore = Pick<Core, "accessTokens" | "clock" | "refreshTokens" | "sessions" | "users">;

/**
 * Checks that a verified access token is still valid: its record and its session are neither revoked nor expired, its user
 * has not ended all sessions since, and its generation is not below the session's. They are read in one round trip
 * (contract 1.2).
 * @throws NestError unauthorized
 */
export async function requireValidToken(core: BearerCore, claims: AccessTokenClaims): Promise<ValidToken> {
  const [record, session, user] = await Promise.all([
    core.accessTokens.find(claims.id),
    core.sessions.find(claims.sessionId),
    core.users.find(claims.userId),
  ]);
  const now = core.clock.now().toISOString();
  if (!record || !session) throw unauthorized("token_not_found");
  const matches =
    record.clientId === claims.clientId &&
    record.userId === claims.userId &&
    record.sessionId === session._id &&
    session.userId === claims.userId;
  if (!matches) throw unauthorized("token_not_found");
  if (record.revokedAt || hasEnded(session, user) || record.generation < session.generation)
    throw unauthorized("token_revoked");
  if (record.expiresAt <= now || session.expiresAt <= now) throw unauthorized("token_expired");
  const isAcknowledged = session.acknowledgedGeneration >= record.generation && !record.isUnused;
  const { authTime, amr } = authenticationOf(session);
  const accountId = session.accountId ?? null;
  return {
    authTime,
    amr,
    user,
    accountId,
    acknowledge: isAcknowledged ? null : () => acknowledge(core, record),
  };
}

/**
 * Records that the client has the tokens of a generation. The refresh token that they were issued for is kept for only
 * 35 more days.
 */
async function acknowledge(
  { accessTokens, sessions, refreshTokens, clock }: BearerCore,
  { _id, sessionId, generation, grant, isUnused }: AccessToken,
): Promise<void> {
  await Promise.all([
    isUnused && accessTokens.recordUse(_id),
    sessions.acknowledge(sessionId, generation),
    purgePredecessor(refreshTokens, grant, clock.now()),
  ]);
}
