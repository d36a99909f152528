import { dominates, type Rights } from "#core/capabilities.ts";
import type { Core } from "#core/core.ts";
import { decideAgain } from "#core/decide_again.ts";
import { NestError } from "#core/errors.ts";
import { rolesChanged } from "#core/events/role_events.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Role } from "#core/repositories/roles.ts";
import type { User } from "#core/repositories/users.ts";
import { ADMIN, builtInRole, EVERYBODY } from "#core/roles/built_in.ts";
import type { RoleAdministrator } from "#core/roles/change_roles.ts";
import { leaveAdmins } from "#core/roles/leave_admins.ts";
import { referenceTo, rightsOf, rolesOf } from "#core/roles/rights.ts";

export type UserRolesCore = Pick<Core, "adminGuards" | "clock" | "identifiers" | "roles" | "users">;

/** The roles of a user before and after a change, as references. */
interface RolesDecision {
  from: readonly string[];
  to: readonly string[];
}

/**
 * Decides which roles a user gets, without I/O. A caller grants and takes only roles that allow no more than their own.
 * @param keys of all platform roles that the user is to have; `user` may be left out
 * @param own the app's own platform roles
 * @throws NestError role_not_found, capability_escalation
 */
export function judgeUserRoles(
  user: Pick<User, "roles">,
  keys: readonly string[],
  own: readonly Role[],
  rights: Rights,
): RolesDecision {
  const wanted = [...new Set(keys)].filter((key) => key !== EVERYBODY);
  const to = wanted.map((key) => {
    const reference = referenceTo("platform", key, own);
    if (reference === null) throw new NestError("role_not_found");
    return reference;
  });
  const from = user.roles ?? [];
  const changed = [...to, ...from].filter((one) => !(to.includes(one) && from.includes(one)));
  if (!dominates(rights, rightsOf(rolesOf({ roles: changed }, own))))
    throw new NestError("capability_escalation");
  return { from, to: to.sort() };
}

/**
 * Checks that a user is the person whose address they have. Somebody else may have registered the address with a password of
 * their own, and would get the roles. Nobody but an administrator can have set up a user whom an administrator created.
 * @throws NestError identifier_not_verified
 */
function requireKnownPerson(identifiers: readonly Identifier[]): void {
  const active = identifiers.filter(({ removedAt }) => removedAt === null);
  const isKnown = active.some(({ verifiedAt, claimedBy }) => verifiedAt !== null || claimedBy === "admin");
  if (!isKnown) throw new NestError("identifier_not_verified");
}

/**
 * Sets the platform roles of a user. They hold from the user's next call on. Roles are added only to users who have verified an
 * address or number, or whom an administrator created.
 * @returns the user with the new roles, and the app's own roles
 * @throws NestError user_not_found, role_not_found, identifier_not_verified, capability_escalation, last_admin, unavailable
 */
export async function setUserRoles(
  core: UserRolesCore,
  { userId, keys }: { userId: string; keys: readonly string[] },
  { rights, source }: RoleAdministrator,
): Promise<{ user: User; own: Role[] }> {
  return decideAgain(async () => {
    const [user, own, identifiers] = await Promise.all([
      core.users.find(userId),
      core.roles.list("platform"),
      core.identifiers.listByUser(userId),
    ]);
    if (!user || user.status === "deleted") throw new NestError("user_not_found");
    const { from, to } = judgeUserRoles(user, keys, own, rights);
    if ([...from].sort().join() === to.join()) return { user, own };
    if (to.some((one) => !from.includes(one))) requireKnownPerson(identifiers);
    const at = core.clock.now().toISOString();
    const change = { from, to, at, events: [rolesChanged(userId, { from, to }, source, at)] };
    const changed = await write(core, userId, change);
    const added = to.filter((one) => !from.includes(one) && builtInRole("platform", one) === null);
    if (changed && (await core.roles.recordGrant(added))) return { user: changed, own };
    // A role was deleted while it was granted. Its reference allows nothing, and the next attempt does not find the role.
    if (changed) await core.users.pullRoles(userId, added);
    return null;
  }, "other calls changed the user's roles");
}

/** @returns null if another call changed the roles meanwhile */
function write(
  core: UserRolesCore,
  userId: string,
  change: Parameters<Core["users"]["changeRoles"]>[1],
): Promise<User | null> {
  const isLeaving = change.from.includes(ADMIN) && !change.to.includes(ADMIN);
  const changeRoles = () => core.users.changeRoles(userId, change);
  return isLeaving ? leaveAdmins(core, userId, changeRoles) : changeRoles();
}
