/**
 * Lists the built-in roles and the roles of the app.
 *
 * Needs the capability `roles.manage`. The list has no pages: an app defines at most 100 roles of each scope.
 */
import { array, enum as oneOf, optional, strictObject } from "zod/mini";
import { ROLE_SCOPES } from "#core/capabilities.ts";
import { allRoles } from "#core/roles/rights.ts";
import { roleFields, roleToWire } from "#core/roles/role_view.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ scope: optional(oneOf(ROLE_SCOPES)) });
export const response = strictObject({ items: array(roleFields) });

export const handler = rpc({
  name: "list_roles",
  version: "2026-12-01",
  summary: "Lists the built-in roles and the roles of the app.",
  access: "cap:roles.manage",
  request,
  isBodyOptional: true,
  response,
  errors: ["reauthentication_required"],
  async reads({ core, request: { scope } }) {
    const scopes = ROLE_SCOPES.filter((one) => scope === undefined || one === scope);
    const own = await Promise.all(scopes.map((one) => core.roles.list(one)));
    return allRoles(own.flat()).filter((role) => scopes.includes(role.scope));
  },
  async run({ reads: roles }) {
    return { items: roles.map(roleToWire) };
  },
});
