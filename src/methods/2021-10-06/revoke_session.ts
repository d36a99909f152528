/** Revokes one of a user's sessions, such as that of a lost device. Idempotent. */
import { strictObject } from "zod/mini";
import { revokeUserSession } from "#core/sessions/sign_out.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: text(), session_id: text() });

export const handler = rpc({
  name: "revoke_session",
  version: "2021-10-06",
  summary: "Revokes one of a user's sessions.",
  access: "own_user",
  request,
  response: null,
  errors: ["not_found"],
  reads: ({ core, request: { session_id } }) => core.sessions.find(session_id),
  async run({ core, request: { user_id }, reads, caller, call }) {
    await revokeUserSession(core, { userId: user_id, session: reads }, { caller, call });
  },
});
