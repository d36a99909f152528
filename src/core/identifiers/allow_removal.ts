import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { type ReachCore, requireWayToFactors } from "#core/factors/ways_in.ts";
import type { Resource } from "#core/ids.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";
import type { User } from "#core/repositories/users.ts";
import { unfinishedRemovals } from "#core/users/unfinished_removals.ts";

type AllowCore = ReachCore & Pick<Core, "clock" | "mfaFactors" | "users">;

/** A way in that a user removes, and what was read to judge it. */
interface WayInRemoval {
  user: User;
  identifiers: readonly Identifier[];
  /** Absent: they don't count. */
  identities?: readonly OAuthIdentity[];
  /** The resources that these lists have completely, for `unfinishedRemovals`. */
  all: readonly Resource[];
  /** Whether a sign-in method is left without those with these ids. */
  leavesOne: (removed: readonly string[]) => boolean;
}

/**
 * Decides whether a user may remove an identifier or a linked account, and records it. The same field decides about every removal of a
 * user, so simultaneous removals leave a sign-in method. A removal that stopped halfway is judged again, because the user may have added
 * a factor meanwhile. A removal that was recorded and is refused stays recorded: another call may be about to complete it.
 * @returns false if another removal of the user was allowed since these were read
 * @throws NestError last_sign_in_method
 */
export async function allowWayInRemoval(
  core: AllowCore,
  id: string,
  { user, identifiers, identities = [], all, leavesOne }: WayInRemoval,
): Promise<boolean> {
  const { removedIdentifierIds: listed = [] } = user;
  const isRecorded = listed.includes(id);
  const removed = isRecorded ? listed : [...listed, id];
  if (!leavesOne(removed)) throw new NestError("last_sign_in_method");
  await requireWayToFactors(core, user, { identifiers, removed });
  if (isRecorded) return true;
  const read = { found: [...identifiers, ...identities], all, now: core.clock.now() };
  if (!(await core.users.recordRemoval(user._id, id, listed, unfinishedRemovals(listed, read)))) return false;
  // A factor may have been added since the first look. An activation that comes later sees the record.
  await requireWayToFactors(core, { ...user, mayHaveFactors: true }, { identifiers, removed });
  return true;
}
