import { CALL_LIMIT_MS } from "#core/call.ts";
import { describeFailure } from "#core/log.ts";
import type { Authorization } from "#core/repositories/authorizations.ts";
import { KNOWN_DEVICES_LIMIT } from "#core/repositories/identifiers.ts";
import { hashSecret, matchesHash } from "#core/secrets.ts";
import type { SignInCore } from "#core/sessions/start_session.ts";
import { firstMismatch, type PresentedCode } from "#core/sign_in/presented_code.ts";

/** No call is at work for longer. */
const LOST_AFTER_MS = CALL_LIMIT_MS + 500;

/**
 * When an earlier redemption spent the link and came to nothing, because the database was lost on the way: nobody was
 * given its tokens, so the link is still good, unless another one signed its address in meanwhile and so ended it. Only
 * whoever could have redeemed it is told.
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
  const { usedAt, sessionId } = found;
  if (!matchesHash(secret, found.key) || firstMismatch(found, presented) !== null) return null;
  const isAtWork = sessionId !== null && now.getTime() - Date.parse(usedAt) < LOST_AFTER_MS;
  if (isAtWork) return null;
  const [hasSignedIn, isFollowed] = await Promise.all([
    sessionId !== null && isWhole(core, found, sessionId),
    core.authorizations.isFollowed(found),
  ]);
  if (hasSignedIn || isFollowed) return null;
  if (sessionId !== null) await discardSession(core, sessionId);
  return usedAt;
}

/**
 * Whether everything is there that a sign-in writes before it is answered, or its tokens were used. Nothing that happens
 * to the person later may make it look less: an address that is given up, many machines. What was written before the
 * session is there if the session is.
 */
async function isWhole(
  core: SignInCore,
  { identifierValue, device, othersEndedAt }: Authorization,
  sessionId: string,
): Promise<boolean> {
  const [session, hasAccessToken, hasRefreshToken, identifier] = await Promise.all([
    core.sessions.find(sessionId),
    core.accessTokens.isIssued(sessionId),
    core.refreshTokens.isIssued(sessionId),
    core.identifiers.findActive("email", identifierValue),
  ]);
  if (!session) return false;
  if (session.acknowledgedGeneration > 0 || session.generation > 1 || session.revokedAt !== null) return true;
  const isProved = identifier === null || identifier.verifiedAt !== null;
  const known = identifier?.knownDevices ?? [];
  const isRemembered =
    identifier === null ||
    device === null ||
    known.length >= KNOWN_DEVICES_LIMIT ||
    known.includes(hashSecret(device.beakId));
  return hasAccessToken && hasRefreshToken && isProved && isRemembered && othersEndedAt !== null;
}

/**
 * Nobody was answered: the person can use the link again. Where this fails too, the next redemption finds it lost, unless
 * all was written: then its answer may have gone out, for all that can be told.
 */
export async function undoRedemption(core: SignInCore, id: string, sessionId: string): Promise<void> {
  try {
    await discardSession(core, sessionId);
    await core.authorizations.giveBack(id, sessionId);
  } catch (error) {
    core.log.warn("redemption_not_undone", { session_id: sessionId, ...describeFailure(error) });
  }
}

/** Its tokens name a person too, and are found by their session only. */
async function discardSession(core: SignInCore, sessionId: string): Promise<void> {
  await Promise.all([
    core.sessions.discard(sessionId),
    core.accessTokens.discardBySession(sessionId),
    core.refreshTokens.discardBySession(sessionId),
  ]);
}
