/**
 * Ends one of a user's sessions: the current one, or another, such as that of a lost device.
 *
 * To end another session, the user must have signed in within the last 10 minutes. A session of another user, named by `user_id`
 * and `session_id`, needs the capability `sessions.manage`. Idempotent: a session that has ended keeps
 * its time.
 */
import { optional, strictObject, string } from "zod/mini";
import { namedUserOf } from "#core/call.ts";
import { NestError } from "#core/errors.ts";
import { requireRank } from "#core/roles/rank.ts";
import { endSession } from "#core/sessions/end_sessions.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: optional(text()), session_id: optional(text()) });
export const response = strictObject({ revoked_at: string() });

export const handler = rpc({
  name: "revoke_session",
  version: "2026-12-01",
  summary: "Ends one of a user's sessions.",
  access: "own_user|cap:sessions.manage",
  request,
  isBodyOptional: true,
  response,
  errors: ["session_not_found", "reauthentication_required", "capability_escalation"],
  async reads({ core, request: { session_id }, caller }) {
    const sessionId = session_id ?? (caller.kind === "user" ? caller.sessionId : undefined);
    if (sessionId === undefined) throw new NestError("access_denied");
    return core.sessions.find(sessionId);
  },
  async run({ core, request: { user_id }, reads: session, caller, call, cookies }) {
    const userId = namedUserOf(caller, user_id);
    await requireRank(core, caller, userId);
    const revoked_at = await endSession(core, { userId, session }, { caller, call });
    if (caller.kind === "user" && session?._id === caller.sessionId)
      cookies.clear(core.oauthClients.find(caller.clientId));
    return { revoked_at };
  },
});
