import type { Core } from "#core/core.ts";
import { newId } from "#core/ids.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";

/**
 * The identifier of an address, made together with its user if nobody has it. Of any number of simultaneous first
 * sign-ins all get the same user.
 *
 * The user is written before the address is ever marked as verified, so a crash in between is mended by the next
 * sign-in, which finds the address unverified.
 * @param found what a look for the address answered
 * @param newUserId the id of a user who is still to be made
 */
export async function ensureUser(
  core: Pick<Core, "users" | "identifiers">,
  identity: string,
  found: Identifier | null,
  now: string,
  newUserId = newId("user"),
): Promise<Identifier> {
  if (found?.verifiedAt) return found;
  if (found) {
    await core.users.ensure(found.userId, found.createdAt);
    return found;
  }
  const fresh = newIdentifier(identity, newUserId, now);
  const [won] = await Promise.all([core.identifiers.insert(fresh), core.users.ensure(fresh.userId, now)]);
  if (won) return fresh;
  const winner = await core.identifiers.findActive("email", identity);
  if (!winner) throw new Error("the address was claimed and removed at once");
  // Two calls for one trial bring the same user: nobody lost then.
  if (winner.userId !== fresh.userId) await core.users.discard(fresh.userId);
  await core.users.ensure(winner.userId, winner.createdAt);
  return winner;
}

/**
 * The identifier of an address, claimed for a new user if nobody has it; one trip for a known and an unknown address.
 * The new user's document is still to be made.
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
