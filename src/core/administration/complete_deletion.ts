import { type EndBillingCore, endBilling } from "#core/billing/subscriptions/end_of_deleted.ts";
import { DAY, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { memberRemoved } from "#core/events/account_events.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { identifierRemoved } from "#core/events/identifier_events.ts";
import { oauthUnlinked } from "#core/events/oauth_events.ts";
import { revocation } from "#core/events/session_revoked.ts";
import type { User } from "#core/repositories/users.ts";
import { settleAll } from "#core/settle.ts";
import { removePending } from "#core/users/first_proof.ts";

export type CompleteDeletionCore = EndBillingCore &
  Pick<
    Core,
    | "accountMembers"
    | "clock"
    | "identifiers"
    | "oauthIdentities"
    | "pendingIdentifiers"
    | "sessions"
    | "users"
    | "verifications"
  >;

/** After this time a deleted user is erased. Until then an operator can find out what happened. */
export const ERASED_AFTER_SECONDS = 30 * DAY;

/** When a deleted user is erased, ISO. */
export const erasureOf = (deletedAt: string): string =>
  plusSeconds(new Date(deletedAt), ERASED_AFTER_SECONDS).toISOString();

/** Who ends what a user has, and when, ISO. */
interface Ending {
  source: EventSource;
  at: string;
}

/**
 * Ends what a deleted user still has: sessions, codes and links, addresses and numbers, memberships of accounts, unpaid trials and
 * checkout pages. Each write can be repeated.
 * @returns when the user was deleted, ISO
 * @throws NestError stripe_error, unavailable
 */
export async function completeDeletion(
  core: CompleteDeletionCore,
  { _id: userId, deletedAt = "" }: User,
  source: EventSource,
): Promise<string> {
  const ending = { source, at: core.clock.now().toISOString() };
  await endAccess(core, userId, ending);
  await endHoldings(core, userId, ending);
  // Again: a call that had read the user before the deletion may have added an address or a membership meanwhile.
  await endHoldings(core, userId, ending);
  await endBilling(core, userId);
  await core.users.completeDeletion(userId, erasureOf(deletedAt));
  return deletedAt;
}

/** Ends sessions, codes and links. Before the addresses become free, because what was sent to them was for this user. */
async function endAccess(core: CompleteDeletionCore, userId: string, { source, at }: Ending): Promise<void> {
  const [sessions, identifiers] = await Promise.all([
    core.sessions.listUnrevoked(userId),
    core.identifiers.listByUser(userId),
  ]);
  const addresses = identifiers
    .filter(({ removedAt }) => removedAt === null)
    .map(({ identifierValue }) => identifierValue);
  await settleAll([
    // No token of a deleted user is accepted, also of a session that a sign-in of this moment stores later.
    core.sessions.revokeAll(
      sessions.map((session) => ({
        sessionId: session._id,
        ...revocation(session, "user_deleted", source, at),
      })),
    ),
    core.verifications.revokeOpenOf({ userId, addresses }, null, at),
    removePending(core, userId, { source, at, reason: "user_deleted" }),
  ]);
}

/** Releases addresses, numbers and linked accounts, and ends memberships: a deleted user must not count as a member or an owner. */
async function endHoldings(
  core: CompleteDeletionCore,
  userId: string,
  { source, at }: Ending,
): Promise<void> {
  const [identifiers, identities, memberships] = await Promise.all([
    core.identifiers.listByUser(userId),
    core.oauthIdentities.listByUser(userId),
    core.accountMembers.listByUser(userId),
  ]);
  const isActive = ({ removedAt }: { removedAt: string | null }) => removedAt === null;
  await settleAll([
    ...identifiers
      .filter(isActive)
      .map((one) => ({ ...one, reason: "user_deleted" as const }))
      .map((one) => core.identifiers.remove(one._id, at, [identifierRemoved(one, source, at)])),
    ...identities
      .filter(isActive)
      .map((one) => core.oauthIdentities.remove(one._id, at, [oauthUnlinked(one, source, at)])),
    ...memberships
      .filter(isActive)
      .map(({ _id, accountId }) =>
        core.accountMembers.remove(
          { _id },
          { at, events: [memberRemoved({ accountId, userId }, source, at)], wasDefault: false },
        ),
      ),
  ]);
}
