import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { byCaller } from "#core/events/event_source.ts";
import { revocation } from "#core/events/session_revoked.ts";
import { hashSecret } from "#core/secrets.ts";
import { settleAll } from "#core/settle.ts";

const notFound = () => new NestError("verification_not_found");

/**
 * Ends the session that a mail about a new device is about, and forgets its device. The token of the mail can do nothing
 * else, so it may be used again, which changes nothing.
 * @returns when the session ended, ISO
 * @throws NestError verification_not_found
 */
export async function disownSession(
  core: Pick<Core, "clock" | "identifiers" | "log" | "sessions" | "verifications">,
  token: string,
  call: Call,
): Promise<string> {
  const at = core.clock.now().toISOString();
  const found = await core.verifications.findByToken(hashSecret(token), at);
  if (found?.purpose !== "disown" || !found.sessionId || !found.userId) throw notFound();
  const { sessionId, userId, clientId, deviceHash } = found;
  const session = await core.sessions.find(sessionId);
  if (!session) throw notFound();
  const source = { ...byCaller({ kind: "anonymous" }, call), clientId };
  const [isFirst] = await settleAll([
    session.revokedAt === null &&
      core.sessions.revoke(sessionId, revocation(session, "disowned", source, at)),
    deviceHash === undefined ? null : core.identifiers.forgetDevice(userId, deviceHash),
  ]);
  if (isFirst) {
    core.log.warn("session_disowned", { security_event: true, session_id: sessionId, user_id: userId });
    return at;
  }
  return session.revokedAt ?? (await core.sessions.find(sessionId))?.revokedAt ?? at;
}
