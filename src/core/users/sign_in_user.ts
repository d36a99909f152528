import type { Core } from "#core/core.ts";
import { newId } from "#core/ids.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { discardUser, ensureUserWithAccount, type UserCreationCore } from "#core/users/create_user.ts";

/** An address whose user must exist. */
export interface UserAddress {
  /** Normalized. */
  identity: string;
  /** The active identifier that was read for the address, or null. */
  found: Identifier | null;
  /** The id of the user, if one has to be created. */
  newUserId?: string;
}

/**
 * Returns the identifier of an address; if there is none, creates it with a new user. Simultaneous first sign-ins of an
 * address all get the same user.
 *
 * The user and their account are written before the address is verified. So if a call stops between the writes, the next
 * sign-in finds the address unverified and repeats them.
 */
export async function ensureUser(
  core: Pick<Core, "identifiers"> & UserCreationCore,
  { identity, found, newUserId = newId("user") }: UserAddress,
  now: string,
): Promise<Identifier> {
  if (found?.verifiedAt) return found;
  if (found) {
    await ensureUserWithAccount(core, found.userId, found.createdAt);
    return found;
  }
  const fresh = newIdentifier(identity, newUserId, now);
  const [won] = await Promise.all([
    core.identifiers.insert(fresh),
    ensureUserWithAccount(core, fresh.userId, now),
  ]);
  if (won) return fresh;
  const winner = await core.identifiers.findActive("email", identity);
  if (!winner) throw new Error("the address was claimed and removed at once");
  // Two calls for one trial create the same user, so there is no other user to remove.
  if (winner.userId !== fresh.userId) await discardUser(core, fresh.userId);
  await ensureUserWithAccount(core, winner.userId, winner.createdAt);
  return winner;
}

/**
 * Returns the identifier of an address; if there is none, claims it for a new user, whose document the caller must write.
 * One round trip for known and unknown addresses.
 */
export async function claimIdentifier(
  core: Pick<Core, "identifiers">,
  identity: string,
  now: string,
): Promise<Identifier> {
  const fresh = newIdentifier(identity, newId("user"), now);
  const [won, found] = await Promise.all([
    core.identifiers.insert(fresh),
    core.identifiers.findActive("email", identity),
  ]);
  if (won) return fresh;
  const winner = found ?? (await core.identifiers.findActive("email", identity));
  if (!winner) throw new Error("the address was claimed and removed at once");
  return winner;
}

function newIdentifier(identifierValue: string, userId: string, now: string): Identifier {
  return {
    _id: newId("identifier"),
    userId,
    identifierType: "email",
    identifierValue,
    createdAt: now,
    updatedAt: null,
    verifiedAt: null,
    removedAt: null,
    knownDevices: [],
  };
}
