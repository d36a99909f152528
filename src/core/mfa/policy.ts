import type { OAuthClient } from "#core/clients/oauth_clients.ts";
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
