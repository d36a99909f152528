import type { Core } from "#core/core.ts";
import { derivedIdOf } from "#core/ids.ts";
import type { JudgedIdentity } from "#core/oauth/judge_identity.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";
import type { OAuthState, VisitIdentity } from "#core/repositories/oauth_states.ts";
import { newSecret } from "#core/secrets.ts";

/** The second half of a code after a visit begins so. The codes of magic links have hex only. */
const SECRET_PREFIX = "oauth-";

/** The second half of a new code after a visit at a provider. */
export const newVisitSecret = (): string => `${SECRET_PREFIX}${newSecret()}`;

/** Whether the second half of a code is that of a visit at a provider. */
export const isVisitSecret = (secret: string): boolean => secret.startsWith(SECRET_PREFIX);

/** The id of the user whom a visit creates. Every run of the same visit creates the same. */
export const newUserIdOf = ({ _id }: Pick<OAuthState, "_id">): string => derivedIdOf(_id, "user");

/** The link that a visit makes: of the account that the provider named. Every run of the same visit makes the same. */
export function linkOf(
  { _id, provider }: Pick<OAuthState, "_id" | "provider">,
  { issuer, subject, email, emailVerified, name, picture }: VisitIdentity,
  { userId, at }: { userId: string; at: string },
): OAuthIdentity {
  return {
    ...{ _id: derivedIdOf(_id, "oauthIdentity"), userId, provider, issuer, subject, email, emailVerified },
    ...{ profile: { name, picture }, linkedAt: at, lastUsedAt: null, removedAt: null },
  };
}

/** Reads what decides who signs in with a visit. */
export async function readJudged(
  core: Pick<Core, "identifiers" | "oauthIdentities">,
  visit: Pick<OAuthState, "_id">,
  { issuer, subject, email, isProved }: VisitIdentity,
): Promise<Omit<JudgedIdentity, "registration" | "linked"> & { linked: OAuthIdentity | null }> {
  const [linked, owner] = await Promise.all([
    core.oauthIdentities.findActive(issuer, subject),
    email === null ? null : core.identifiers.findActive("email", email),
  ]);
  const mayJoin = !linked && owner !== null && isProved;
  const earlier = mayJoin ? await core.oauthIdentities.listByUser(owner.userId) : [];
  const isUnlinked = earlier.some((one) => one.issuer === issuer && one.subject === subject);
  return { linked, owner, isUnlinked, isProved, newUserId: newUserIdOf(visit) };
}
