/**
 * Removes a member from an account. The user stays, unless `delete_user` is sent.
 *
 * Members can remove themselves. To remove another member, the caller needs the capability `account.users.manage` and a role that allows at
 * least as much as the member's. The last owner stays. The user's sessions in the account end; a user who is left without an account gets a
 * new one. A repeated call returns the same time.
 *
 * With `delete_user`, the user is deleted too, as by `delete_user` the method: only a user whom the account added, and who is in no other
 * account. Members who delete themselves need a sign-in of the last 10 minutes.
 */
import { boolean, optional, strictObject, string } from "zod/mini";
import { memberOf } from "#core/call.ts";
import { removeMember } from "#core/members/remove_member.ts";
import { mailer, stripe } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  account_id: optional(text()),
  user_id: text(),
  delete_user: optional(boolean()),
});
export const response = strictObject({ removed_at: string() });

export const handler = rpc({
  name: "remove_account_user",
  version: "2026-12-01",
  summary: "Removes a member from an account.",
  access: "own_user|acct:account.users.manage",
  request,
  response,
  errors: [
    "account_not_found",
    "user_not_found",
    "capability_escalation",
    "last_owner",
    "delete_not_allowed",
    "reauthentication_required",
    "active_subscription",
    "last_admin",
    "stripe_error",
  ],
  parts: { mailer, stripe },
  async run({ core, request: { user_id: userId, delete_user: deletesUser = false }, caller, call, cookies }) {
    const member = memberOf(caller);
    const removed_at = await removeMember(core, { userId, deletesUser }, member, call);
    if (deletesUser && member.userId === userId) cookies.clear(core.oauthClients.find(member.clientId));
    return { removed_at };
  },
});
