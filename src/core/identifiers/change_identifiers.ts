import type { Call, Caller } from "#core/call.ts";
import { userOf } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { decideAgain } from "#core/decide_again.ts";
import { NestError } from "#core/errors.ts";
import { byCaller } from "#core/events/event_source.ts";
import { identifierRemoved, primaryChanged } from "#core/events/identifier_events.ts";
import type { ReachCore } from "#core/factors/ways_in.ts";
import { allowWayInRemoval } from "#core/identifiers/allow_removal.ts";
import { type IdentifierView, viewIdentifiers } from "#core/identifiers/identifier_view.ts";
import { type NoticeCore, notifyOwner } from "#core/messages/notify_owner.ts";
import type { AddressChange } from "#core/messages/templates/identifiers.ts";
import { chooseLocale } from "#core/messages/wording.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { PendingIdentifier } from "#core/repositories/pending_identifiers.ts";
import type { User } from "#core/repositories/users.ts";
import { isVerified } from "#core/repositories/verified_identifier.ts";
import { settleAll } from "#core/settle.ts";

type ChangeCore = NoticeCore &
  Pick<Core, "identifiers" | "pendingIdentifiers" | "users" | "verifications"> & { app: Core["app"] };
type RemovalCore = ChangeCore & ReachCore & Pick<Core, "mfaFactors">;

/** The identifier that a user changes. */
interface Change {
  identifierId: string;
  caller: Caller;
  call: Call;
}

interface Owned {
  user: User | null;
  identifiers: Identifier[];
  pending: PendingIdentifier[];
}

async function readOwned(core: ChangeCore, userId: string): Promise<Owned> {
  const [user, identifiers, pending] = await Promise.all([
    core.users.find(userId),
    core.identifiers.listByUser(userId),
    core.pendingIdentifiers.listOpen(userId),
  ]);
  return { user, identifiers, pending };
}

/**
 * Removes an address or number of a user. Another user can add it then. A pending one can always be removed. The last verified one
 * can't be removed, also if several are removed at once. Neither can the last one that works with a second factor of the user. A repeated
 * call changes nothing.
 * @returns when it was removed, ISO
 * @throws NestError identifier_not_found, last_sign_in_method, unavailable
 */
export async function removeIdentifier(core: RemovalCore, change: Change): Promise<string> {
  const { identifierId, caller } = change;
  const { userId } = userOf(caller);
  return decideAgain(async () => {
    const owned = await readOwned(core, userId);
    const { user, identifiers } = owned;
    const pending = owned.pending.find(({ _id }) => _id === identifierId);
    if (pending) return removePending(core, pending, change);
    const found = identifiers.find(({ _id }) => _id === identifierId);
    if (!found || !user) throw new NestError("identifier_not_found");
    if (found.removedAt !== null) return found.removedAt;
    const read = {
      user,
      identifiers,
      all: [],
      leavesOne: (ids: readonly string[]) => leavesOne(identifiers, ids),
    };
    const isAllowed = await allowWayInRemoval(core, identifierId, read);
    return isAllowed ? finishRemoval(core, found, owned, change) : null;
  }, "other removals were always first");
}

/** Whether a verified identifier is left. */
export const leavesOne = (identifiers: readonly Identifier[], removed: readonly string[]): boolean =>
  identifiers.some((identifier) => isVerified(identifier) && !removed.includes(identifier._id));

async function removePending(
  core: ChangeCore,
  pending: PendingIdentifier,
  { caller, call }: Change,
): Promise<string> {
  const at = core.clock.now().toISOString();
  await settleAll([
    core.pendingIdentifiers.remove(pending._id, at, [identifierRemoved(pending, byCaller(caller, call), at)]),
    core.verifications.revokeOfIdentifier(pending.userId, pending.identifierValue, at),
  ]);
  return at;
}

async function finishRemoval(
  core: ChangeCore,
  found: Identifier,
  owned: Owned,
  { caller, call }: Change,
): Promise<string> {
  const { _id, userId, identifierValue } = found;
  const at = core.clock.now().toISOString();
  const event = identifierRemoved(found, byCaller(caller, call), at);
  const [removed] = await settleAll([
    core.identifiers.remove(_id, at, [event]),
    // A link to it must not reset the password any more.
    core.verifications.revokeOfIdentifier(userId, identifierValue, at),
  ]);
  // Another call removed it first, and has sent the notices.
  if (removed === null) return at;
  core.log.info("identifier_removed", { type: found.identifierType, user_id: userId });
  await notify(core, owned, { change: "removed", caller, at });
  return at;
}

/**
 * Makes a verified address or number the primary one of its type.
 * @throws NestError identifier_not_found, identifier_not_verified
 */
export async function setPrimaryIdentifier(
  core: ChangeCore,
  { identifierId, caller, call }: Change,
): Promise<IdentifierView> {
  const { userId } = userOf(caller);
  const owned = await readOwned(core, userId);
  const view = viewIdentifiers(owned.identifiers, owned.pending).find(({ _id }) => _id === identifierId);
  if (!view || view.removedAt !== null) throw new NestError("identifier_not_found");
  if (view.verifiedAt === null) throw new NestError("identifier_not_verified");
  if (view.isPrimary) return view;
  const at = core.clock.now().toISOString();
  const event = primaryChanged(view, byCaller(caller, call), at);
  const changed = await core.identifiers.makePrimary(identifierId, at, [event]);
  // It was removed meanwhile.
  if (changed === null) throw new NestError("identifier_not_found");
  await notify(core, owned, { change: "primary", caller, at });
  return { ...changed, isPrimary: true, isPending: false };
}

/** Tells every address that was verified before the change. */
async function notify(
  core: ChangeCore,
  { user, identifiers }: Owned,
  { change, caller, at }: { change: AddressChange; caller: Caller; at: string },
): Promise<void> {
  const client = core.app.clients.find(({ id }) => id === userOf(caller).clientId);
  const locale = chooseLocale(core.app, user?.locale, client?.locale);
  const variables = { change, changedAt: at };
  await notifyOwner(core, identifiers, { template: "address_changed", variables, locale });
}
