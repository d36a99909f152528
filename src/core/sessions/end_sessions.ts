import type { Call, Caller } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { byCaller } from "#core/events/event_source.ts";
import { revocation } from "#core/events/session_revoked.ts";
import type { RevokedReason, Session } from "#core/repositories/sessions.ts";
import { requireFresh } from "#core/sessions/freshness.ts";
import { settleAll } from "#core/settle.ts";

type EndCore = Pick<Core, "clock" | "log" | "sessions">;
type EndAllCore = EndCore & Pick<Core, "users">;

/** Who ends a session. */
interface Ending {
  caller: Caller;
  call: Call;
}

/** The reason of a session that a caller ends. */
function reasonOf(caller: Caller, { _id, userId }: Pick<Session, "_id" | "userId">): RevokedReason {
  if (caller.kind !== "user" || caller.userId !== userId) return "revoked_by_operator";
  return caller.sessionId === _id ? "signed_out" : "revoked_by_user";
}

/**
 * Ends one session of a user. Ending it again changes nothing.
 * @param session the session that was read, or null
 * @returns when it ended, ISO
 * @throws NestError session_not_found if the user has no such session; reauthentication_required if a user whose sign-in is not
 *   fresh ends another session than the current one
 */
export async function endSession(
  core: EndCore,
  { userId, session }: { userId: string; session: Session | null },
  { caller, call }: Ending,
): Promise<string> {
  const now = core.clock.now();
  const isCurrent = caller.kind === "user" && session?._id === caller.sessionId;
  const isOwn = caller.kind === "user" && caller.userId === userId;
  if (isOwn && !isCurrent) requireFresh(caller, now);
  if (session?.userId !== userId) throw new NestError("session_not_found");
  if (session.revokedAt) return session.revokedAt;
  const at = now.toISOString();
  const reason = reasonOf(caller, session);
  if (await core.sessions.revoke(session._id, revocation(session, reason, byCaller(caller, call), at))) {
    core.log.info("session_revoked", { session_id: session._id, user_id: userId });
    return at;
  }
  // Another call ended it first.
  return (await core.sessions.find(session._id))?.revokedAt ?? at;
}

/** The sessions of a user that end. */
interface EndedSessions {
  userId: string;
  sessions: readonly Session[];
  /** Whether the session of the caller stays. */
  keepsCurrent: boolean;
  /** Why they end. Default: because the caller asks for it. */
  reason?: RevokedReason;
}

/**
 * Ends every session of a user that has not ended, or every one but the caller's. A refresh that runs meanwhile issues no
 * tokens, because it can't advance a session that has ended. The tokens of a sign-in that runs meanwhile are refused,
 * because its person signed in before.
 * @param sessions the user's sessions that were read
 * @returns how many sessions this call ended
 */
export async function endAllSessions(
  core: EndAllCore,
  { userId, sessions, keepsCurrent, reason }: EndedSessions,
  { caller, call }: Ending,
): Promise<number> {
  const at = core.clock.now().toISOString();
  const current = caller.kind === "user" ? caller.sessionId : null;
  const source = byCaller(caller, call);
  const ended = sessions
    .filter(({ _id, expiresAt }) => expiresAt > at && !(keepsCurrent && _id === current))
    .map((session) => ({
      sessionId: session._id,
      ...revocation(session, reason ?? reasonOf(caller, session), source, at),
    }));
  const [count] = await settleAll([
    core.sessions.revokeAll(ended),
    core.users.endSessions(userId, at, keepsCurrent ? current : null),
  ]);
  core.log.info("sessions_revoked", { user_id: userId, count });
  return count;
}
