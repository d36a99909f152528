import type { Call, Caller } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { byCaller, byHolder } from "#core/events/event_source.ts";
import { revocation } from "#core/events/session_revoked.ts";
import type { Session } from "#core/repositories/sessions.ts";
import { matchesHash } from "#core/secrets.ts";
import { splitRefreshToken } from "#core/sessions/refresh_token.ts";

/**
 * Revokes the session of a refresh token of any generation (RFC 7009). The secret alone authorizes it, whatever client
 * the caller names, unless the caller does not know it: a page does not see its cookie, so it must be of the page's client.
 * An unknown or wrong token is ignored, so the response reveals nothing.
 * @param clientId ends only a session of this client; null: of any
 * @returns false if the session is of another client
 */
export async function revokeRefreshToken(
  core: Pick<Core, "refreshTokens" | "sessions" | "clock" | "log">,
  { refreshToken, clientId }: { refreshToken: string; clientId: string | null },
  call: Call,
): Promise<boolean> {
  const presented = splitRefreshToken(refreshToken);
  if (!presented) return true;
  const token = await core.refreshTokens.find(presented.id);
  if (!token || !matchesHash(presented.secret, token.key)) return true;
  if (clientId !== null && token.clientId !== clientId) return false;
  const { sessionId, userId } = token;
  const end = revocation({ _id: sessionId, userId }, "signed_out", byHolder(token, call), nowOf(core));
  const isFirst = await core.sessions.revoke(sessionId, end);
  if (isFirst) core.log.info("signed_out", { session_id: sessionId, user_id: userId });
  return true;
}

/**
 * Revokes one session of a user. Revoking it again changes nothing.
 * @param session the session that was read, or null
 * @throws NestError not_found if the user has no such session
 */
export async function revokeUserSession(
  core: Pick<Core, "sessions" | "clock" | "log">,
  { userId, session }: { userId: string; session: Session | null },
  { caller, call }: { caller: Caller; call: Call },
): Promise<void> {
  if (session?.userId !== userId) throw new NestError("not_found");
  const end = revocation(session, "revoked_by_user", byCaller(caller, call), nowOf(core));
  const isFirst = await core.sessions.revoke(session._id, end);
  if (isFirst) core.log.info("session_revoked", { session_id: session._id, user_id: userId });
}

const nowOf = ({ clock }: Pick<Core, "clock">) => clock.now().toISOString();
