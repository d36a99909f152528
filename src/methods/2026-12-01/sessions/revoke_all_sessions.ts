/**
 * Ends every session of a user, except the current one unless `except_current` is false.
 *
 * The user must have signed in within the last 10 minutes; the sessions of another user need the capability `sessions.manage`, and a user
 * whose roles allow no more than the caller's. The
 * user gets a mail at every verified address. From the response on, no token of an ended session is accepted, and none can be
 * refreshed.
 */
import { boolean, number, optional, strictObject } from "zod/mini";
import { namedUserOf } from "#core/call.ts";
import { mailer } from "#core/parts.ts";
import { requireRank } from "#core/roles/rank.ts";
import { endAllSessions } from "#core/sessions/end_sessions.ts";
import { noticeEndedSessions } from "#core/sessions/ended_notice.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: optional(text()), except_current: optional(boolean()) });
export const response = strictObject({ revoked: number() });

export const handler = rpc({
  name: "revoke_all_sessions",
  version: "2026-12-01",
  summary: "Ends every session of a user, except the current one.",
  access: "fresh_own_user|cap:sessions.manage",
  request,
  isBodyOptional: true,
  response,
  errors: ["reauthentication_required", "capability_escalation"],
  reads: ({ core, request: { user_id }, caller }) =>
    core.sessions.listUnrevoked(namedUserOf(caller, user_id)),
  parts: { mailer },
  async run({ core, request: { user_id, except_current }, reads: sessions, caller, call, cookies }) {
    const userId = namedUserOf(caller, user_id);
    await requireRank(core, caller, userId);
    const keepsCurrent = except_current ?? true;
    const revoked = await endAllSessions(core, { userId, sessions, keepsCurrent }, { caller, call });
    if (revoked > 0) await noticeEndedSessions(core, { userId, count: revoked }, caller);
    const isOwn = caller.kind === "user" && caller.userId === userId;
    if (isOwn && !keepsCurrent) cookies.clear(core.oauthClients.find(caller.clientId));
    return { revoked };
  },
});
