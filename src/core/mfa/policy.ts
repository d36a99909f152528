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

/** The session of a call that uses a right. */
interface UsedSession {
  clientId: string;
  user: Pick<User, "roles"> | null;
  /** How its person signed in. */
  amr: readonly AuthenticationMethod[];
}

/**
 * Whether a session must present a second factor before its user may use a right of a platform role, without I/O. A right is the same at
 * every client, so the policy of any enabled client counts: otherwise a thief of the password would name another one. A user may get
 * the role, or a client its policy, after the sign-in. Test tokens need none (extended 0).
 * @param clients every client of the app
 */
export function lacksSecondFactor(
  clients: readonly Pick<OAuthClient, "enabled" | "id" | "mfa">[],
  { clientId, user, amr }: UsedSession,
): boolean {
  if (amr.includes("mfa") || amr.includes("test")) return false;
  return clients.some(
    (client) => (client.enabled || client.id === clientId) && requiresEnrolment(client, user),
  );
}
