import type { Core } from "#core/core.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";

/** Lists the linked accounts of a user, the oldest first. */
export async function listIdentities(
  core: Pick<Core, "oauthIdentities">,
  userId: string,
): Promise<OAuthIdentity[]> {
  const all = await core.oauthIdentities.listByUser(userId);
  return all.filter(({ removedAt }) => removedAt === null);
}
