/**
 * Sets the platform roles of a user. They hold from the user's next call on.
 *
 * Needs the capability `roles.manage`. Callers give and take only roles that allow no more than their own. The last administrator
 * keeps the role. Roles are added only to users who have verified an address or number, or whom an administrator created: anybody can
 * register an address that nobody has verified. The first administrator is made with an internal key, or with `nest users grant`.
 */
import { array, maxLength, strictObject, string } from "zod/mini";
import { byCaller } from "#core/events/event_source.ts";
import { rightsOfCaller, rolesOf } from "#core/roles/rights.ts";
import { roleKey } from "#core/roles/role_key.ts";
import { setUserRoles } from "#core/roles/set_user_roles.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  user_id: text(),
  roles: array(roleKey()).check(maxLength(20)),
});
export const response = strictObject({ user: strictObject({ id: string(), roles: array(string()) }) });

export const handler = rpc({
  name: "set_user_roles",
  version: "2026-12-01",
  summary: "Sets the platform roles of a user.",
  access: "cap:roles.manage",
  request,
  response,
  errors: [
    "reauthentication_required",
    "capability_escalation",
    "user_not_found",
    "role_not_found",
    "identifier_not_verified",
    "last_admin",
  ],
  async run({ core, request: { user_id: userId, roles: keys }, caller, call }) {
    const administrator = { rights: rightsOfCaller(caller), source: byCaller(caller, call) };
    const { user, own } = await setUserRoles(core, { userId, keys }, administrator);
    return { user: { id: user._id, roles: rolesOf(user, own).map(({ key }) => key) } };
  },
});
