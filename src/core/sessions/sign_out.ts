import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { Session } from "#core/repositories/sessions.ts";
import { matchesHash } from "#core/secrets.ts";
import { splitRefreshToken } from "#core/sessions/refresh_token.ts";

/**
 * Revokes the session of a refresh token of any generation (RFC 7009). The secret alone authorizes it, whatever client
 * the caller names. An unknown or wrong token is ignored, so the response reveals nothing.
 */
export async function revokeRefreshToken(
  core: Pick<Core, "refreshTokens" | "sessions" | "clock" | "log">,
  refreshToken: string,
): Promise<void> {
  const presented = splitRefreshToken(refreshToken);
  if (!presented) return;
  const token = await core.refreshTokens.find(presented.id);
  if (!token || !matchesHash(presented.secret, token.key)) return;
  const isFirst = await core.sessions.revoke(token.sessionId, "signed_out", core.clock.now().toISOString());
  if (isFirst) core.log.info("signed_out", { session_id: token.sessionId, user_id: token.userId });
}

/**
 * Revokes one session of a user. Revoking it again changes nothing.
 * @param session the session that was read, or null
 * @throws NestError not_found if the user has no such session
 */
export async function revokeUserSession(
  core: Pick<Core, "sessions" | "clock" | "log">,
  userId: string,
  session: Session | null,
): Promise<void> {
  if (session?.userId !== userId) throw new NestError("not_found");
  const isFirst = await core.sessions.revoke(session._id, "revoked_by_user", core.clock.now().toISOString());
  if (isFirst) core.log.info("session_revoked", { session_id: session._id, user_id: userId });
}
