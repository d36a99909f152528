import {
  ACCOUNT_CAPABILITIES,
  type Capability,
  dominates,
  PLATFORM_CAPABILITIES,
  type Rights,
  type RoleScope,
} from "#core/capabilities.ts";
import type { Core } from "#core/core.ts";
import { decideAgain } from "#core/decide_again.ts";
import { NestError } from "#core/errors.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { roleChanged } from "#core/events/role_events.ts";
import { newId } from "#core/ids.ts";
import type { Role, RoleContent } from "#core/repositories/roles.ts";
import { builtInRole } from "#core/roles/built_in.ts";

type RoleCore = Pick<Core, "accountMembers" | "clock" | "roles" | "users">;

/** The most roles of a scope that an app defines. Every call that needs a capability reads those of the platform. */
export const ROLES_LIMIT = 100;

/** Who changes roles: what they may do, and the source of the event. */
export interface RoleAdministrator {
  rights: Rights;
  source: EventSource;
}

/** A role as a caller sends it. */
export interface WantedRole {
  scope: RoleScope;
  key: string;
  name: string;
  level: number;
  capabilities: readonly string[];
}

/** @throws NestError unknown_capability */
function readCapabilities(scope: RoleScope, wanted: readonly string[]): Capability[] {
  const known: readonly Capability[] = scope === "platform" ? PLATFORM_CAPABILITIES : ACCOUNT_CAPABILITIES;
  const isKnown = (one: string) => known.some((capability) => capability === one);
  if (!wanted.every(isKnown)) throw new NestError("unknown_capability");
  return known.filter((capability) => wanted.includes(capability));
}

/**
 * Checks that a caller may define a role. The capabilities of account roles belong to an account, and not to the platform, so
 * only their level is compared.
 * @throws NestError capability_escalation
 */
function requireDominance(
  rights: Rights,
  scope: RoleScope,
  { level, capabilities }: Pick<RoleContent, "level" | "capabilities">,
): void {
  const others = { level, capabilities: scope === "platform" ? capabilities : [] };
  if (!dominates(rights, others)) throw new NestError("capability_escalation");
}

/**
 * Creates a role, or changes what it is called and allows. A caller can neither define a role that allows more than their own
 * roles, nor change one that does.
 * @throws NestError role_built_in, unknown_capability, capability_escalation, too_many_roles, unavailable
 */
export async function setRole(
  core: RoleCore,
  { scope, key, name, level, capabilities: typed }: WantedRole,
  { rights, source }: RoleAdministrator,
): Promise<Role> {
  if (builtInRole(scope, key)) throw new NestError("role_built_in");
  const content: RoleContent = { name, level, capabilities: readCapabilities(scope, typed) };
  requireDominance(rights, scope, content);
  return decideAgain(async () => {
    const roles = await core.roles.list(scope);
    const read = roles.find((role) => role.key === key);
    if (read) requireDominance(rights, scope, read);
    else if (roles.length >= ROLES_LIMIT) throw new NestError("too_many_roles");
    const at = core.clock.now().toISOString();
    return read
      ? replace(core, read, content, { source, at })
      : create(core, { scope, key, ...content }, { source, at });
  }, "other calls changed the role");
}

/** @returns null if another call created the role meanwhile */
async function create(
  core: RoleCore,
  wanted: RoleContent & Pick<Role, "scope" | "key">,
  { source, at }: { source: EventSource; at: string },
): Promise<Role | null> {
  const _id = newId("role");
  const role = { _id, ...wanted, createdAt: at, updatedAt: null, deletedAt: null, grants: 0 };
  return (await core.roles.insert(role, [roleChanged(role, "created", source, at)])) ? role : null;
}

/** Setting a role again as it is changes nothing. @returns null if another call changed the role meanwhile */
async function replace(
  core: RoleCore,
  read: Role,
  content: RoleContent,
  { source, at }: { source: EventSource; at: string },
): Promise<Role | null> {
  const isSame =
    read.name === content.name &&
    read.level === content.level &&
    read.capabilities.join() === content.capabilities.join();
  if (isSame) return read;
  return core.roles.replace(read, content, { at, events: [roleChanged(read, "updated", source, at)] });
}

/**
 * Deletes a role that nobody has. Between the search for a holder and the deletion, the role may be granted: then the number of
 * grants is another one, and the decision is made again. Deleting a role again changes nothing, so that a caller whose response was
 * lost can repeat the call.
 * @returns when it was deleted, ISO
 * @throws NestError role_built_in, role_not_found, capability_escalation, role_in_use, unavailable
 */
export async function deleteRole(
  core: RoleCore,
  { scope, key }: Pick<Role, "scope" | "key">,
  { rights, source }: RoleAdministrator,
): Promise<string> {
  if (builtInRole(scope, key)) throw new NestError("role_built_in");
  return decideAgain(async () => {
    const role = await core.roles.find(scope, key);
    if (!role) return requireDeletion(core, scope, key);
    requireDominance(rights, scope, role);
    const holders = scope === "platform" ? core.users : core.accountMembers;
    if (await holders.isHeld(role._id)) throw new NestError("role_in_use");
    const at = core.clock.now().toISOString();
    const events = [roleChanged(role, "deleted", source, at)];
    return (await core.roles.delete(role, { at, events })) ? at : null;
  }, "other calls granted the role");
}

/** @returns when the role was deleted, ISO @throws NestError role_not_found */
async function requireDeletion({ roles }: RoleCore, scope: RoleScope, key: string): Promise<string> {
  const deletedAt = await roles.findDeletion(scope, key);
  if (deletedAt === null) throw new NestError("role_not_found");
  return deletedAt;
}
