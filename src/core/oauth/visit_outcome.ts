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

/** What decides who signs in with a visit, as it was read. */
interface ReadIdentity extends Omit<JudgedIdentity, "registration" | "linked"> {
  linked: OAuthIdentity | null;
  /** The user whom the account would join if they were not disabled; null: there is none. */
  disabledUserId: string | null;
}

/** Reads what decides who signs in with a visit. */
export async function readJudged(
  core: JudgingCore,
  visit: Pick<OAuthState, "_id">,
  { issuer, subject, email, isProved }: VisitIdentity,
): Promise<ReadIdentity> {
  const [linked, owner] = await Promise.all([
    core.oauthIdentities.findActive(issuer, subject),
    email === null ? null : core.identifiers.findActive("email", email),
  ]);
  const joined = !linked && isProved ? owner : null;
  const [earlier, { isProtected, isDisabled }] = joined
    ? await Promise.all([core.oauthIdentities.listByUser(joined.userId), readProtection(core, joined.userId)])
    : [[], { isProtected: false, isDisabled: false }];
  // Any subject counts: the address at the provider may belong to another account by now.
  const isUnlinked = earlier.some((one) => one.issuer === issuer && one.removedAt !== null);
  const isJoinBlocked = isProtected || isFull(earlier);
  const wouldJoin = isDisabled && !isUnlinked && joined !== null && joined.verifiedAt !== null;
  const disabledUserId = wouldJoin ? joined.userId : null;
  const newUserId = newUserIdOf(visit);
  return { linked, owner, isJoinBlocked, isUnlinked, isProved, newUserId, disabledUserId };
}

/** Whether a user has a second factor, or may not sign in. Also true if the user's document is missing, because the user was erased. */
async function readProtection(
  core: JudgingCore,
  userId: string,
): Promise<{ isProtected: boolean; isDisabled: boolean }> {
  // One command, also for users without a factor.
  const [user, factors] = await Promise.all([core.users.find(userId), core.mfaFactors.listActive(userId)]);
  const isProtected = user === null || mayNotSignIn(user) || factors.length > 0;
  return { isProtected, isDisabled: user?.status === "disabled" };
}
