import type { Session } from "#core/repositories/sessions.ts";
import type { User } from "#core/repositories/users.ts";
import { authenticationOf } from "#core/sessions/authentication.ts";
import { isUnproved } from "#core/users/unproved_session.ts";

/** Whether a user was disabled or deleted: no sign-in, no refresh and no token of theirs is accepted, at every version date. */
export const mayNotSignIn = (user: Pick<User, "status"> | null): boolean => user?.status !== undefined;

/**
 * Whether a session has ended: it was revoked, its user was disabled or deleted, the user ended all sessions after this sign-in, or
 * the owner of the user's address ended those of a stranger. A sign-in that runs while sessions are ended stores its session too
 * late to be revoked; the time of its first factor shows that it began before.
 * @param user the session's user, or null if the user was not found
 */
export function hasEnded(
  session: Pick<
    Session,
    "_id" | "revokedAt" | "firstFactorAt" | "authTime" | "amr" | "createdAt" | "rootGrant"
  >,
  user: Pick<User, "sessionsEnded" | "status" | "unprovedEndedAt"> | null,
): boolean {
  if (session.revokedAt !== null || mayNotSignIn(user)) return true;
  const { at, exceptId } = user?.sessionsEnded ?? { at: "", exceptId: null };
  const began = session.firstFactorAt ?? authenticationOf(session).authTime;
  if (isUnproved(session) && began <= (user?.unprovedEndedAt ?? "")) return true;
  return session._id !== exceptId && began <= at;
}
