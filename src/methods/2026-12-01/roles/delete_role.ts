/**
 * Deletes a role that nobody has.
 *
 * Needs the capability `roles.manage`. Callers can't delete a role that allows more than their own roles. A role that is created
 * later with the same key is another role.
 */
import { enum as oneOf, strictObject, string } from "zod/mini";
import { ROLE_SCOPES } from "#core/capabilities.ts";
import { byCaller } from "#core/events/event_source.ts";
import { deleteRole } from "#core/roles/change_roles.ts";
import { rightsOfCaller } from "#core/roles/rights.ts";
import { roleKey } from "#core/roles/role_key.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ scope: oneOf(ROLE_SCOPES), key: roleKey() });
export const response = strictObject({ deleted_at: string() });

export const handler = rpc({
  name: "delete_role",
  version: "2026-12-01",
  summary: "Deletes a role that nobody has.",
  access: "cap:roles.manage",
  request,
  response,
  errors: [
    "reauthentication_required",
    "capability_escalation",
    "role_not_found",
    "role_built_in",
    "role_in_use",
  ],
  async run({ core, request: role, caller, call }) {
    const administrator = { rights: rightsOfCaller(caller), source: byCaller(caller, call) };
    return { deleted_at: await deleteRole(core, role, administrator) };
  },
});
