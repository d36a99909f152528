import type { Caller } from "#core/call.ts";
import { ALL_RIGHTS, type Capability, NO_RIGHTS, type Rights } from "#core/capabilities.ts";
import type { Role } from "#core/repositories/roles.ts";
import type { User } from "#core/repositories/users.ts";
import { BUILT_IN_ROLES, builtInRole, EVERYBODY, type RoleDefinition } from "#core/roles/built_in.ts";

/** The value by which a user's document refers to a platform role: the key of a built-in role, the id of another. */
export const referenceTo = (key: string, own: readonly Role[]): string | null =>
  builtInRole("platform", key)?.key ?? own.find((role) => role.key === key)?._id ?? null;

/**
 * The platform roles of a user, the highest first. A role that was deleted since is none of them.
 * @param own the app's own platform roles
 */
export function rolesOf({ roles = [] }: Pick<User, "roles">, own: readonly Role[]): RoleDefinition[] {
  const held = [EVERYBODY, ...roles].flatMap(
    (reference) => builtInRole("platform", reference) ?? own.find(({ _id }) => _id === reference) ?? [],
  );
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

/** Every role, built-in roles first. */
export const allRoles = (own: readonly Role[]): RoleDefinition[] => [...BUILT_IN_ROLES, ...own];
