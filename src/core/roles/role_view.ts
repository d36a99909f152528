import { array, boolean, number, enum as oneOf, strictObject, string } from "zod/mini";
import { ROLE_SCOPES } from "#core/capabilities.ts";
import { builtInRole, type RoleDefinition } from "#core/roles/built_in.ts";

/** A role on the wire. */
export const roleFields = strictObject({
  scope: oneOf(ROLE_SCOPES),
  key: string(),
  name: string(),
  level: number(),
  capabilities: array(string()),
  built_in: boolean(),
});

export function roleToWire({ scope, key, name, level, capabilities }: RoleDefinition) {
  return {
    ...{ scope, key, name, level },
    capabilities: [...capabilities],
    built_in: builtInRole(scope, key) !== null,
  };
}
