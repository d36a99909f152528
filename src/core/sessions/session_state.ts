import type { Session } from "#core/repositories/sessions.ts";
import type { User } from "#core/repositories/users.ts";
import { authenticationOf } from "#core/sessions/authentication.ts";

/**
 * Whether a session was revoked, or its user ended all sessions after its person signed in. A sign-in that runs while all
 * sessions are ended stores its session too late to be revoked; its time shows that it began before.
 * @param user the session's user, or null if the user was not found
 */
export function hasEnded(
  session: Pick<Session, "_id" | "revokedAt" | "authTime" | "amr" | "createdAt" | "rootGrant">,
  user: Pick<User, "sessionsEnded"> | null,
): boolean {
  if (session.revokedAt !== null) return true;
  const { at, exceptId } = user?.sessionsEnded ?? { at: "", exceptId: null };
  return session._id !== exceptId && authenticationOf(session).authTime <= at;
}
