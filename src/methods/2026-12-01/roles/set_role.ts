/**
 * Creates a role, or changes the name, the level and the capabilities of one.
 *
 * Needs the capability `roles.manage`. Callers can't define a role that allows more than their own roles, nor change such a role.
 * Built-in roles can't change. A change holds from the next call of everybody who has the role.
 */
import { array, int, maximum, maxLength, minimum, enum as oneOf, strictObject } from "zod/mini";
import { ROLE_SCOPES } from "#core/capabilities.ts";
import { byCaller } from "#core/events/event_source.ts";
import { setRole } from "#core/roles/change_roles.ts";
import { rightsOfCaller } from "#core/roles/rights.ts";
import { roleKey } from "#core/roles/role_key.ts";
import { roleFields, roleToWire } from "#core/roles/role_view.ts";
import { nameText, text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  scope: oneOf(ROLE_SCOPES),
  key: roleKey(),
  name: nameText(100),
  level: int().check(minimum(0), maximum(100)),
  capabilities: array(text(64)).check(maxLength(20)),
});
export const response = strictObject({ role: roleFields });

export const handler = rpc({
  name: "set_role",
  version: "2026-12-01",
  summary: "Creates a role, or changes the name, the level and the capabilities of one.",
  access: "cap:roles.manage",
  request,
  response,
  errors: [
    "reauthentication_required",
    "unknown_capability",
    "capability_escalation",
    "role_built_in",
    "too_many_roles",
  ],
  async run({ core, request: role, caller, call }) {
    const administrator = { rights: rightsOfCaller(caller), source: byCaller(caller, call) };
    return { role: roleToWire(await setRole(core, role, administrator)) };
  },
});
