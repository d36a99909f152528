import type { Caller } from "#core/call.ts";
import { ALL_RIGHTS, type Capability, NO_RIGHTS, type Rights, type RoleScope } from "#core/capabilities.ts";
import type { Role } from "#core/repositories/roles.ts";
import type { User } from "#core/repositories/users.ts";
import { BUILT_IN_ROLES, builtInRole, EVERYBODY, type RoleDefinition } from "#core/roles/built_in.ts";

/**
 * The value by which users and memberships refer to a role: the key of a built-in role, the id of a custom role.
 * @param own the app's own roles of the scope
 * @returns null if there is no such role
 */
export const referenceTo = (scope: RoleScope, key: string, own: readonly Role[]): string | null =>
  builtInRole(scope, key)?.key ?? own.find((role) => role.key === key)?._id ?? null;

/** The role to which a reference refers; null if it was deleted. @param own the app's own roles of the scope */
export const roleAt = (scope: RoleScope, reference: string, own: readonly Role[]): RoleDefinition | null =>
  builtInRole(scope, reference) ?? own.find(({ _id }) => _id === reference) ?? null;

/**
 * The platform roles of a user, the highest first. A role that was deleted since is none of them.
 * @param own the app's own platform roles
 */
export function rolesOf({ roles = [] }: Pick<User, "roles">, own: readonly Role[]): RoleDefinition[] {
  const held = [EVERYBODY, ...roles].flatMap((reference) => roleAt("platform", reference, own) ?? []);
  return held.sort((one, other) => other.level - one.level || (one.key < other.key ? -1 : 1));
}

/** What roles allow together. */
export function rightsOf(roles: readonly Pick<RoleDefinition, "level" | "capabilities">[]): Rights {
  return {
    capabilities: [...new Set(roles.flatMap(({ capabilities }) => [...capabilities]))].sort(),
    level: Math.max(NO_RIGHTS.level, ...roles.map(({ level }) => level)),
  };
}

/** What a caller may do. The rights of a user are read for methods that need a capability only. */
export function rightsOfCaller(caller: Caller): Rights {
  if (caller.kind === "internal") return ALL_RIGHTS;
  return caller.kind === "user" ? (caller.rights ?? NO_RIGHTS) : NO_RIGHTS;
}

export const hasCapability = (caller: Caller, capability: Capability): boolean =>
  rightsOfCaller(caller).capabilities.includes(capability);

/** Whether a caller would have a capability, had their session the second factor that the app requires. */
export const isWithheld = (caller: Caller, capability: Capability): boolean =>
  caller.kind === "user" && caller.withheld?.capabilities.includes(capability) === true;

/** Every role, built-in roles first. */
export const allRoles = (own: readonly Role[]): RoleDefinition[] => [...BUILT_IN_ROLES, ...own];
