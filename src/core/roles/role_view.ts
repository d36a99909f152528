import { array, boolean, nullable, number, enum as oneOf, strictObject, string } from "zod/mini";
import { ROLE_SCOPES } from "#core/capabilities.ts";
import { builtInRole, type RoleDefinition } from "#core/roles/built_in.ts";

/** A role on the wire. */
export const roleFields = strictObject({
  id: nullable(string()),
  scope: oneOf(ROLE_SCOPES),
  key: string(),
  name: string(),
  level: number(),
  capabilities: array(string()),
  built_in: boolean(),
});

/** @param role._id of a role of the app; built-in roles have none */
export function roleToWire(role: RoleDefinition & { _id?: string }) {
  const { _id: id = null, scope, key, name, level, capabilities } = role;
  return {
    ...{ id, scope, key, name, level },
    capabilities: [...capabilities],
    built_in: builtInRole(scope, key) !== null,
  };
}
