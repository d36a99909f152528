/**
 * Gives a member of an account another role.
 *
 * Callers grant and take only roles that allow no more than their own role in the account. The last owner stays an owner. The role applies
 * from the member's next call on.
 */
import { optional, strictObject } from "zod/mini";
import { memberOf } from "#core/call.ts";
import { NestError } from "#core/errors.ts";
import { describeMembers } from "#core/members/list_members.ts";
import { memberFields, memberToWire } from "#core/members/member_view.ts";
import { setMemberRole } from "#core/members/set_member_role.ts";
import { roleKey } from "#core/roles/role_key.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  account_id: optional(text()),
  user_id: text(),
  role_key: roleKey(),
});
export const response = strictObject({ user: memberFields });

export const handler = rpc({
  name: "set_account_user_role",
  version: "2026-12-01",
  summary: "Gives a member of an account another role.",
  access: "acct:account.users.manage",
  request,
  response,
  errors: ["account_not_found", "user_not_found", "role_not_found", "capability_escalation", "last_owner"],
  reads: ({ core }) => core.roles.list("account"),
  async run({ core, request: { user_id: userId, role_key }, reads: own, caller, call }) {
    const membership = await setMemberRole(core, { userId, roleKey: role_key }, memberOf(caller), call);
    const [member] = await describeMembers(core, [membership]);
    if (!member) throw new NestError("user_not_found");
    return { user: memberToWire(member, own) };
  },
});
