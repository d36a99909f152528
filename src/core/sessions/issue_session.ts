import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { purgeAfterAcknowledgement } from "#core/retention.ts";
import { mintAccessToken, type TokenMint } from "#core/sessions/access_token.ts";
import type { Authentication } from "#core/sessions/authentication.ts";
import {
  accessTokenRecord,
  claimSources,
  type Issue,
  refreshTokenRecord,
  sessionRecord,
} from "#core/sessions/token_records.ts";
import { settleAll } from "#core/settle.ts";

export type IssueCore = Pick<Core, "accessTokens" | "refreshTokens" | "sessions"> & TokenMint;

/** What every grant of `authenticate_user` returns (contract B3). */
export interface TokenPair extends Authentication {
  accessToken: string;
  /** Seconds. */
  expiresIn: number;
  expiresAt: string;
  refreshToken: string;
  userId: string;
  clientId: string;
  sessionId: string;
}

/** The first version whose access tokens say when and how the user signed in. */
const DETAILED_SINCE = "2026-12-01";

/**
 * Starts a session (generation 1) or advances it to a generation, and issues that generation's tokens. Every write can
 * be repeated: with the same ids the result is the same session and the same tokens.
 * @param predecessorId the used refresh token that may be removed 35 days from now, because the client has its successor;
 *   null if there is none
 * @throws NestError authorization_not_found if the session was revoked before it could be advanced
 */
export async function issueSession(
  core: IssueCore,
  issue: Issue,
  predecessorId: string | null = null,
): Promise<TokenPair> {
  const accessToken = accessTokenRecord(issue);
  const { authTime, amr } = issue;
  const isDetailed = issue.call.version !== undefined && issue.call.version >= DETAILED_SINCE;
  const [jws, isValid] = await settleAll([
    mintAccessToken(core, accessToken, claimSources(issue), isDetailed ? { authTime, amr } : null),
    writeSession(core, issue),
    core.accessTokens.insertOrExtend(accessToken),
    writeRefreshToken(core, issue, predecessorId),
  ]);
  if (!isValid) {
    await removeIfErased(core, issue, accessToken._id);
    throw new NestError("authorization_not_found");
  }
  return {
    accessToken: jws,
    expiresIn: Math.round((Date.parse(accessToken.expiresAt) - issue.now.getTime()) / 1000),
    expiresAt: accessToken.expiresAt,
    refreshToken: `01.${issue.refreshToken.id}.${issue.refreshToken.secret}`,
    userId: issue.userId,
    clientId: issue.client.id,
    sessionId: issue.sessionId,
    ...{ authTime, amr },
  };
}

/**
 * Removes the tokens of a session that no longer exists. An erasure removed it with all its tokens before these were stored,
 * and no other erasure finds them. The tokens of a revoked session stay.
 */
async function removeIfErased(core: IssueCore, issue: Issue, accessTokenId: string): Promise<void> {
  if (await core.sessions.find(issue.sessionId)) return;
  await Promise.all([
    core.accessTokens.delete(accessTokenId),
    core.refreshTokens.delete(issue.refreshToken.id),
  ]);
}

/** @returns false if the session was revoked; nothing is changed then */
async function writeSession({ sessions }: IssueCore, issue: Issue): Promise<boolean> {
  const session = sessionRecord(issue);
  if (session.generation === 1) {
    await sessions.insertIfAbsent(session);
    return true;
  }
  const { _id, generation, lastUsedAt, expiresAt, purgeAt } = session;
  return sessions.advance(_id, { generation, now: lastUsedAt, expiresAt, purgeAt });
}

function writeRefreshToken(
  { refreshTokens }: IssueCore,
  issue: Issue,
  predecessorId: string | null,
): Promise<void> {
  const token = refreshTokenRecord(issue);
  if (predecessorId === null) return refreshTokens.insertIfAbsent(token);
  return refreshTokens.insertAndPurgeUsed(token, predecessorId, purgeAfterAcknowledgement(issue.now));
}
