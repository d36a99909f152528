import type { Core } from "#core/core.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import { newId } from "#core/ids.ts";
import type { Identifier, IdentifierType } from "#core/repositories/identifiers.ts";
import { carrying } from "#core/repositories/outbox.ts";
import { settleAll } from "#core/settle.ts";
import {
  discardUser,
  ensureUserWithAccount,
  type GivenNames,
  type UserCreationCore,
} from "#core/users/create_user.ts";

/** An address or phone number whose user must exist. */
export interface UserAddress {
  /** Normalized. */
  identity: string;
  /** The type of the identifier. Default: `email`. */
  type?: IdentifierType;
  /** The active identifier that was read for the address, or null. */
  found: Identifier | null;
  /** The id of the user, if one has to be created. */
  newUserId?: string;
  /** Who causes the creation of the user. */
  source: EventSource;
  /** What the user and the account are called, if they have to be created. */
  names?: GivenNames;
}

/**
 * Returns the identifier of an address; if there is none, creates it with a new user. Simultaneous first sign-ins of an
 * address all get the same user. The insert of the identifier decides which, so it carries the event `user.created`.
 *
 * The user and their account are written before the address is verified. So if a call stops between the writes, the next
 * sign-in finds the address unverified and repeats them.
 */
export async function ensureUser(
  core: Pick<Core, "identifiers"> & UserCreationCore,
  { identity, type = "email", found, newUserId = newId("user"), source, names }: UserAddress,
  now: string,
): Promise<Identifier> {
  if (found?.verifiedAt) return found;
  if (found) {
    await ensureUserWithAccount(core, found.userId, found.createdAt, names);
    return found;
  }
  const fresh = newIdentifier({ identity, type }, newUserId, source, now);
  const [won] = await settleAll([
    core.identifiers.insert(fresh),
    ensureUserWithAccount(core, fresh.userId, now, names),
  ]);
  if (won) return fresh;
  const winner = await core.identifiers.findActive(type, identity);
  if (!winner) throw new Error("the address was claimed and removed at once");
  // Two calls for one trial create the same user, so there is no other user to remove.
  if (winner.userId !== fresh.userId) await discardUser(core, fresh.userId);
  await ensureUserWithAccount(core, winner.userId, winner.createdAt, names);
  return winner;
}

/**
 * Returns the identifier of an address; if there is none, claims it for a new user, whose document the caller must write.
 * One round trip for known and unknown addresses.
 */
export async function claimIdentifier(
  core: Pick<Core, "identifiers">,
  identity: string,
  source: EventSource,
  now: string,
): Promise<Identifier> {
  const fresh = newIdentifier({ identity, type: "email" }, newId("user"), source, now);
  const [won, found] = await settleAll([
    core.identifiers.insert(fresh),
    core.identifiers.findActive("email", identity),
  ]);
  if (won) return fresh;
  const winner = found ?? (await core.identifiers.findActive("email", identity));
  if (!winner) throw new Error("the address was claimed and removed at once");
  return winner;
}

/** A new identifier of a user, with the events of both. The caller stores it. */
export function newIdentifier(
  { identity: identifierValue, type: identifierType }: { identity: string; type: IdentifierType },
  userId: string,
  source: EventSource,
  now: string,
): Identifier {
  const _id = newId("identifier");
  const user = { userId, target: { type: "user", id: userId } as const, data: { identifierId: _id } };
  const identifier = { userId, target: { type: "identifier", id: _id } as const, data: { identifierType } };
  return {
    _id,
    userId,
    identifierType,
    identifierValue,
    createdAt: now,
    updatedAt: null,
    verifiedAt: null,
    removedAt: null,
    knownDevices: [],
    ...carrying([
      recordEvent("user.created", user, source, now),
      recordEvent("identifier.added", identifier, source, now),
    ]),
  };
}
