import type { Caller } from "#core/call.ts";
import { dominates } from "#core/capabilities.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { Role } from "#core/repositories/roles.ts";
import type { User } from "#core/repositories/users.ts";
import { rightsOf, rightsOfCaller, rolesOf } from "#core/roles/rights.ts";

/**
 * Callers act on themselves, and on users whose roles allow no more than their own. Otherwise support staff could act on an
 * administrator.
 * @param own the app's own platform roles
 * @throws NestError capability_escalation
 */
export function requireRankOf(caller: Caller, user: Pick<User, "_id" | "roles">, own: readonly Role[]): void {
  const isOwn = caller.kind === "user" && caller.userId === user._id;
  if (!isOwn && !dominates(rightsOfCaller(caller), rightsOf(rolesOf(user, own))))
    throw new NestError("capability_escalation");
}

/**
 * The same for a user who was not read. An unknown user has no roles. No reads for an internal key, and for users themselves.
 * @throws NestError capability_escalation
 */
export async function requireRank(
  core: Pick<Core, "roles" | "users">,
  caller: Caller,
  userId: string,
): Promise<void> {
  if (caller.kind !== "user" || caller.userId === userId) return;
  const [user, own] = await Promise.all([core.users.find(userId), core.roles.list("platform")]);
  if (user !== null) requireRankOf(caller, user, own);
}
