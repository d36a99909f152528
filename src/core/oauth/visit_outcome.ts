import type { Core } from "#core/core.ts";
import { derivedIdOf } from "#core/ids.ts";
import type { JudgedIdentity } from "#core/oauth/judge_identity.ts";
import { isFull } from "#core/oauth/linked_identities.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";
import type { OAuthState, VisitIdentity } from "#core/repositories/oauth_states.ts";
import { newSecret } from "#core/secrets.ts";
import { mayNotSignIn } from "#core/sessions/session_state.ts";

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

/** What the decision about a visit reads. */
export type JudgingCore = Pick<Core, "identifiers" | "mfaFactors" | "oauthIdentities" | "users">;

/** Reads what decides who signs in with a visit. */
export async function readJudged(
  core: JudgingCore,
  visit: Pick<OAuthState, "_id">,
  { issuer, subject, email, isProved }: VisitIdentity,
): Promise<Omit<JudgedIdentity, "registration" | "linked"> & { linked: OAuthIdentity | null }> {
  const [linked, owner] = await Promise.all([
    core.oauthIdentities.findActive(issuer, subject),
    email === null ? null : core.identifiers.findActive("email", email),
  ]);
  const joined = !linked && isProved ? owner : null;
  const [earlier, isProtected] = joined
    ? await Promise.all([core.oauthIdentities.listByUser(joined.userId), needsSession(core, joined.userId)])
    : [[], false];
  // Any subject counts: the address at the provider may belong to another account by now.
  const isUnlinked = earlier.some((one) => one.issuer === issuer && one.removedAt !== null);
  const isJoinBlocked = isProtected || isFull(earlier);
  return { linked, owner, isJoinBlocked, isUnlinked, isProved, newUserId: newUserIdOf(visit) };
}

/** Whether a user has a second factor, or may not sign in. Also true if the user's document is missing, because the user was erased. */
async function needsSession(core: JudgingCore, userId: string): Promise<boolean> {
  // One command, also for users without a factor.
  const [user, factors] = await Promise.all([core.users.find(userId), core.mfaFactors.listActive(userId)]);
  return user === null || mayNotSignIn(user) || factors.length > 0;
}
