import type { Core } from "#core/core.ts";
import type { AuditCore } from "#core/events/audit_row.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { revocation } from "#core/events/session_revoked.ts";
import type { HashedPassword } from "#core/passwords/password_hasher.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { attemptOf } from "#core/repositories/registration_writes.ts";
import { settleAll } from "#core/settle.ts";
import { dropPassword, removePending } from "#core/users/first_proof.ts";

type TakeBackCore = AuditCore & Pick<Core, "identifiers" | "passwords" | "pendingIdentifiers" | "sessions">;

/** What an attempt of a registration has stored. */
interface StoredAttempt {
  identifier: Pick<Identifier, "userId" | "identifierType" | "identifierValue">;
  sessionId: string;
  password: HashedPassword | null;
  phone: string | null;
}

/**
 * Takes back what an immediate registration stored while the owner of its address proved it: the password, the session and the
 * pending number. A password that the owner has set since stays. Nothing is taken from another attempt, which may be running. Safe
 * to repeat; what a call that stops leaves does no harm: the password is provisional, and nobody has the session's tokens.
 */
export async function takeBack(
  core: TakeBackCore,
  { identifier, sessionId, password, phone }: StoredAttempt,
  { source, at }: { source: EventSource; at: string },
): Promise<void> {
  const { userId, identifierType, identifierValue } = identifier;
  const [current, stored] = await Promise.all([
    core.identifiers.findActive(identifierType, identifierValue),
    core.passwords.findByUser(userId),
  ]);
  if (attemptOf(current?.registration) !== null) return;
  const isOwn = stored !== null && stored.hash === password?.hash;
  const session = { _id: sessionId, userId };
  await settleAll([
    isOwn ? dropPassword(core, stored, { updatedAt: stored.updatedAt }) : null,
    core.sessions.revoke(sessionId, revocation(session, "address_proved", source, at)),
    phone === null ? null : removePending(core, userId, { source, at, reason: "registration_failed" }, phone),
  ]);
}
