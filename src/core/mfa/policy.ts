import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { AuthenticationMethod } from "#core/repositories/sessions.ts";
import type { User } from "#core/repositories/users.ts";

/**
 * Whether a client signs a user in only with a second factor: all users, or those with a platform role, who can do more than
 * others. Without I/O.
 */
export function requiresEnrolment(
  { mfa }: Pick<OAuthClient, "mfa">,
  user: Pick<User, "roles"> | null,
): boolean {
  if (mfa.policy === "required") return true;
  return mfa.policy === "required_for_roles" && (user?.roles?.length ?? 0) > 0;
}

/**
 * Whether a session must present a second factor before its user may use a right of a platform role, without I/O. A user may get the
 * role, or a client its policy, after the sign-in. Test tokens need none (extended 0).
 * @param amr how the person of the session signed in
 */
export function lacksSecondFactor(
  client: Pick<OAuthClient, "mfa">,
  user: Pick<User, "roles"> | null,
  amr: readonly AuthenticationMethod[],
): boolean {
  return requiresEnrolment(client, user) && !amr.includes("mfa") && !amr.includes("test");
}
