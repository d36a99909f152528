import type { Core } from "#core/core.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";

/** The most linked accounts of a user. */
export const LINKED_LIMIT = 10;

/** The most accounts that are stored for a user, unlinked ones included. It bounds the reads of a user's accounts. */
export const REMEMBERED_LIMIT = 100;

/** Whether a user may link no other account, without I/O. @param others the user's links of other accounts, removed ones included */
export const isFull = (others: readonly Pick<OAuthIdentity, "removedAt">[]): boolean =>
  others.length >= REMEMBERED_LIMIT ||
  others.filter(({ removedAt }) => removedAt === null).length >= LINKED_LIMIT;

/** Lists the linked accounts of a user, the oldest first. */
export async function listIdentities(
  core: Pick<Core, "oauthIdentities">,
  userId: string,
): Promise<OAuthIdentity[]> {
  const all = await core.oauthIdentities.listByUser(userId);
  return all.filter(({ removedAt }) => removedAt === null);
}
