import { firstMismatch, type PresentedCode } from "#core/auth/presented_code.ts";
import type { SignInCore } from "#core/auth/start_session.ts";
import { CALL_LIMIT_MS } from "#core/call.ts";
import { describeFailure } from "#core/log.ts";
import type { Authorization } from "#core/repositories/authorizations.ts";
import { matchesHash } from "#core/secrets.ts";

/** No call is at work for longer. */
const LOST_AFTER_MS = CALL_LIMIT_MS + 500;

/**
 * When an earlier redemption spent the link and came to nothing, because the database was lost on the way: nobody was
 * given its tokens, so the link is still good. Only whoever could have redeemed it is told.
 * @returns null if there was none, if it may still be at work, or if it was answered
 */
export async function findLostRedemption(
  core: SignInCore,
  found: Authorization | null,
  secret: string,
  presented: PresentedCode,
  now: Date,
): Promise<string | null> {
  if (!found?.usedAt || found.sessionId === undefined) return null;
  const isOwn = matchesHash(secret, found.key) && firstMismatch(found, presented) === null;
  if (!isOwn || now.getTime() - Date.parse(found.usedAt) < LOST_AFTER_MS) return null;
  if (await isWhole(core, found.sessionId)) return null;
  await core.sessions.discard(found.sessionId);
  return found.usedAt;
}

/**
 * Whether the session is there with its tokens. They are written last and side by side, and nothing takes them away
 * again while a link lives, whatever becomes of the person's trial, address or other links meanwhile.
 */
async function isWhole(core: SignInCore, sessionId: string): Promise<boolean> {
  const [session, hasAccessToken, hasRefreshToken] = await Promise.all([
    core.sessions.find(sessionId),
    core.accessTokens.isIssued(sessionId),
    core.refreshTokens.isIssued(sessionId),
  ]);
  return session !== null && hasAccessToken && hasRefreshToken;
}

/** Nobody was answered: the person can use the link again. Where this fails too, the next redemption finds it lost. */
export async function undoRedemption(core: SignInCore, id: string, sessionId: string): Promise<void> {
  try {
    await core.sessions.discard(sessionId);
    await core.authorizations.giveBack(id, sessionId);
  } catch (error) {
    core.log.warn("redemption_not_undone", { session_id: sessionId, ...describeFailure(error) });
  }
}
