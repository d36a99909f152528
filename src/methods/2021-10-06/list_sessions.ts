/** Lists a user's active sessions, oldest first. */
import { array, boolean, nullable, strictObject, string } from "zod/mini";
import { hashSecret } from "#core/secrets.ts";
import { hasEnded } from "#core/sessions/session_state.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: text() });
export const response = array(
  strictObject({
    id: string(),
    client_id: string(),
    device: nullable(strictObject({ platform: string(), beak_id: string(), fingerprint: string() })),
    ip: string(),
    created_at: string(),
    last_used_at: string(),
    current: boolean(),
  }),
);

export const handler = rpc({
  name: "list_sessions",
  version: "2021-10-06",
  summary: "Lists a user's active sessions, oldest first.",
  access: "own_user",
  request,
  response,
  errors: [],
  async reads({ core, request: { user_id } }) {
    const [found, user] = await Promise.all([
      core.sessions.listStanding(user_id, core.clock.now().toISOString()),
      core.users.find(user_id),
    ]);
    return found.filter((session) => !hasEnded(session, user));
  },
  async run({ reads, caller }) {
    return reads.map(({ _id, clientId, device, ip, createdAt, lastUsedAt }) => ({
      id: _id,
      client_id: clientId,
      device: device && {
        platform: device.platform,
        // Hashed, because rate limits and trials recognize a device by these values.
        beak_id: hashSecret(device.beakId),
        fingerprint: hashSecret(device.fingerprint),
      },
      ip,
      created_at: createdAt,
      last_used_at: lastUsedAt,
      current: caller.kind === "user" && caller.sessionId === _id,
    }));
  },
});
