import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { Session } from "#core/repositories/sessions.ts";
import { matchesHash } from "#core/secrets.ts";
import { splitRefreshToken } from "#core/sessions/refresh_token.ts";

/**
 * Ends the session of a refresh token of any generation (after RFC 7009). Whoever shows the secret may end it, whatever
 * client they name; anything else is passed over in silence, so the answer tells nothing.
 */
export async function revokeRefreshToken(
  core: Pick<Core, "refreshTokens" | "sessions" | "clock" | "log">,
  refreshToken: string,
): Promise<void> {
  const presented = splitRefreshToken(refreshToken);
  if (!presented) return;
  const token = await core.refreshTokens.find(presented.id);
  if (!token || !matchesHash(presented.secret, token.key)) return;
  const ended = await core.sessions.revoke(token.sessionId, "signed_out", core.clock.now().toISOString());
  if (ended) core.log.info("signed_out", { session_id: token.sessionId, user_id: token.userId });
}

/**
 * Ends one session of a user. Ending one that has ended already changes nothing.
 * @param session what a look for the session answered
 * @throws NestError not_found if it is not that user's
 */
export async function revokeUserSession(
  core: Pick<Core, "sessions" | "clock" | "log">,
  userId: string,
  session: Session | null,
): Promise<void> {
  if (session?.userId !== userId) throw new NestError("not_found");
  const ended = await core.sessions.revoke(session._id, "revoked_by_user", core.clock.now().toISOString());
  if (ended) core.log.info("session_revoked", { session_id: session._id, user_id: userId });
}
