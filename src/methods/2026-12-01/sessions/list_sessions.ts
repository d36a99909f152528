/**
 * Lists a user's active sessions, the newest first.
 *
 * Those of another user need the capability `sessions.manage`.
 */
import { array, boolean, nullable, optional, strictObject, string } from "zod/mini";
import { namedUserOf } from "#core/call.ts";
import { cutPage, pageParameters, readPage } from "#core/paging.ts";
import { hashSecret } from "#core/secrets.ts";
import { authenticationOf } from "#core/sessions/authentication.ts";
import { hasEnded } from "#core/sessions/session_state.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: optional(text()), ...pageParameters });
export const response = strictObject({
  items: array(
    strictObject({
      id: string(),
      current: boolean(),
      client_id: string(),
      device: nullable(strictObject({ platform: string(), beak_id: string(), fingerprint: string() })),
      ip: string(),
      user_agent: nullable(string()),
      created_at: string(),
      last_used_at: string(),
      expires_at: string(),
      auth_time: string(),
      amr: array(string()),
    }),
  ),
  next_cursor: nullable(string()),
});

/** The cursors of every user are alike: each is a position among the sessions of the user who is asked for. */
const LIST = { method: "list_sessions" };

export const handler = rpc({
  name: "list_sessions",
  version: "2026-12-01",
  summary: "Lists a user's active sessions, the newest first.",
  access: "own_user|cap:sessions.manage",
  request,
  isBodyOptional: true,
  response,
  errors: ["reauthentication_required"],
  async reads({ core, request: asked, caller }) {
    const page = readPage(asked, LIST);
    const userId = namedUserOf(caller, asked.user_id);
    const now = core.clock.now().toISOString();
    const [found, user] = await Promise.all([
      core.sessions.listPage(userId, now, { ...page, limit: page.limit + 1 }),
      core.users.find(userId),
    ]);
    const { items, nextCursor } = cutPage(found, page.limit, LIST);
    return { items: items.filter((session) => !hasEnded(session, user)), nextCursor };
  },
  async run({ reads: { items, nextCursor }, caller }) {
    return {
      items: items.map((session) => {
        const { _id, clientId, device, ip, userAgent, createdAt, lastUsedAt, expiresAt } = session;
        const { authTime, amr } = authenticationOf(session);
        return {
          id: _id,
          current: caller.kind === "user" && caller.sessionId === _id,
          client_id: clientId,
          device: device && {
            platform: device.platform,
            // Hashed, because rate limits and trials recognize a device by these values.
            beak_id: hashSecret(device.beakId),
            fingerprint: hashSecret(device.fingerprint),
          },
          ip,
          user_agent: userAgent || null,
          created_at: createdAt,
          last_used_at: lastUsedAt,
          expires_at: expiresAt,
          auth_time: authTime,
          amr: [...amr],
        };
      }),
      next_cursor: nextCursor,
    };
  },
});
