/**
 * Removes a member from an account. The user stays.
 *
 * Members can remove themselves. To remove another member, the caller needs the capability `account.users.manage` and a role that allows at
 * least as much as the member's. The last owner stays. The user's sessions in the account end; a user who is left without an account gets a
 * new one. A repeated call returns the same time.
 */
import { optional, strictObject, string } from "zod/mini";
import { memberOf } from "#core/call.ts";
import { removeMember } from "#core/members/remove_member.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ account_id: optional(text()), user_id: text() });
export const response = strictObject({ removed_at: string() });

export const handler = rpc({
  name: "remove_account_user",
  version: "2026-12-01",
  summary: "Removes a member from an account.",
  access: "own_user|acct:account.users.manage",
  request,
  response,
  errors: ["account_not_found", "user_not_found", "capability_escalation", "last_owner"],
  async run({ core, request: { user_id }, caller, call }) {
    return { removed_at: await removeMember(core, user_id, memberOf(caller), call) };
  },
});
