import { DAY, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { identifierRemoved } from "#core/events/identifier_events.ts";
import { revocation } from "#core/events/session_revoked.ts";
import type { User } from "#core/repositories/users.ts";
import { settleAll } from "#core/settle.ts";
import { removePending } from "#core/users/first_proof.ts";

export type CompleteDeletionCore = Pick<
  Core,
  "clock" | "identifiers" | "pendingIdentifiers" | "sessions" | "users" | "verifications"
>;

/** After this time a deleted user is erased. Until then an operator can find out what happened. */
export const ERASED_AFTER_SECONDS = 30 * DAY;

/** When a deleted user is erased, ISO. */
export const erasureOf = (deletedAt: string): string =>
  plusSeconds(new Date(deletedAt), ERASED_AFTER_SECONDS).toISOString();

/**
 * Ends what a deleted user still has: sessions, codes and links, addresses and numbers. The addresses become free last, because what
 * was sent to them was for this user. Each write can be repeated.
 * @returns when the user was deleted, ISO
 */
export async function completeDeletion(
  core: CompleteDeletionCore,
  { _id: userId, deletedAt = "" }: User,
  source: EventSource,
): Promise<string> {
  const at = core.clock.now().toISOString();
  const [sessions, identifiers] = await Promise.all([
    core.sessions.listUnrevoked(userId),
    core.identifiers.listByUser(userId),
  ]);
  const active = identifiers.filter(({ removedAt }) => removedAt === null);
  const addresses = active.map(({ identifierValue }) => identifierValue);
  await settleAll([
    // No token of a deleted user is accepted, also of a session that a sign-in of this moment stores later.
    core.sessions.revokeAll(
      sessions.map((session) => ({
        sessionId: session._id,
        ...revocation(session, "user_deleted", source, at),
      })),
    ),
    core.verifications.revokeOpenOf({ userId, addresses }, null, at),
    removePending(core, userId, { source, at }),
  ]);
  await settleAll(
    active.map((one) => core.identifiers.remove(one._id, at, [identifierRemoved(one, source, at)])),
  );
  await core.users.completeDeletion(userId, erasureOf(deletedAt));
  return deletedAt;
}
