import type { Caller } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import type { Role } from "#core/repositories/roles.ts";
import { standingIn } from "#core/roles/account_role.ts";
import { rightsOf, rolesOf } from "#core/roles/rights.ts";
import type { ValidToken } from "#core/sessions/bearer.ts";

/** What the policy of a method needs. */
export interface NeededRights {
  /** The platform roles of the caller. */
  platform: boolean;
  /** The role of the caller in an account. */
  account: boolean;
}

/** What decides the rights of a caller, as far as the policy of the method needs it. */
interface ReadRights {
  /** The app's own platform roles; null: not read. */
  platformRoles: readonly Role[] | null;
  /** The user's memberships and the app's own account roles; null: not read. */
  account: { memberships: readonly AccountMember[]; own: readonly Role[] } | null;
}

/**
 * Reads what decides the rights of a user, with the same command as the session and the user. So a role that was taken away allows
 * nothing from the next call on.
 */
export async function readRights(
  { accountMembers, roles }: Pick<Core, "accountMembers" | "roles">,
  needed: NeededRights,
  userId: string,
): Promise<ReadRights> {
  const [platformRoles, memberships, own] = await Promise.all([
    needed.platform ? roles.list("platform") : null,
    needed.account ? accountMembers.listByUser(userId) : null,
    needed.account ? roles.list("account") : null,
  ]);
  return { platformRoles, account: memberships && own && { memberships, own } };
}

/** What the rights of a caller are derived from. */
interface RightsSource extends ReadRights, ValidToken {
  /** Whether the session lacks the second factor that the app requires for the rights of platform roles. */
  lacksFactor: boolean;
}

/**
 * The caller with the time of their sign-in, and with what they may do. The rights of platform roles are withheld from a session without
 * the second factor that the app requires for them.
 * @param request with `account_id` if it names an account
 */
export function callerWith(
  caller: Caller,
  { authTime, amr, user, accountId, platformRoles, account, lacksFactor }: RightsSource,
  request: unknown,
): Caller {
  if (caller.kind !== "user") return caller;
  const rights = platformRoles && rightsOf(rolesOf(user ?? {}, platformRoles));
  const { account_id: named } = request as { account_id?: unknown };
  const chosen = typeof named === "string" ? named : (accountId ?? undefined);
  const standing = account && user && standingIn({ user, ...account }, chosen);
  return {
    ...{ ...caller, authTime, amr },
    ...(accountId !== null && { accountId }),
    ...(rights && (lacksFactor ? { withheld: rights } : { rights })),
    ...(standing && { account: standing }),
  };
}
