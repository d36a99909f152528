import type { Grant } from "#core/repositories/access_tokens.ts";
import type { Session } from "#core/repositories/sessions.ts";
import type { User } from "#core/repositories/users.ts";
import { authenticationOf } from "#core/sessions/authentication.ts";

/** Grants that prove an address or number of the user. A session that one of them started belongs to its owner. */
const PROVING_GRANTS: readonly Grant["type"][] = ["authorization_code", "otp"];

/** Whether a session was started without a proof of an address or number, such as by a password. */
export const isUnproved = ({ rootGrant }: Pick<Session, "rootGrant">) =>
  !PROVING_GRANTS.includes(rootGrant.type);

/** Whether a user was disabled or deleted: no sign-in, no refresh and no token of theirs is accepted, at every version date. */
export const mayNotSignIn = (user: Pick<User, "status"> | null): boolean => user?.status !== undefined;

/**
 * Whether a session was revoked, its user was disabled or deleted, or ended all sessions after its person signed in, or the owner of the user's address
 * ended those of a stranger. A sign-in that runs while sessions are ended stores its session too late to be revoked; its time shows
 * that it began before.
 * @param user the session's user, or null if the user was not found
 */
export function hasEnded(
  session: Pick<Session, "_id" | "revokedAt" | "authTime" | "amr" | "createdAt" | "rootGrant">,
  user: Pick<User, "sessionsEnded" | "status" | "unprovedEndedAt"> | null,
): boolean {
  if (session.revokedAt !== null || mayNotSignIn(user)) return true;
  const { at, exceptId } = user?.sessionsEnded ?? { at: "", exceptId: null };
  const { authTime } = authenticationOf(session);
  if (isUnproved(session) && authTime <= (user?.unprovedEndedAt ?? "")) return true;
  return session._id !== exceptId && authTime <= at;
}
