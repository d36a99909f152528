/**
 * Deletes a user.
 *
 * Users delete themselves, if they signed in within the last 10 minutes. Others need the capability `users.write`, and a user whose
 * roles allow no more than the caller's. From the response on, no token of the user is accepted, and their addresses and numbers are
 * free: the next sign-in with one creates another user. Each verified address gets a mail. Everything about the user is erased after
 * 30 days. A subscription that goes on charging must be canceled
 * first; an unpaid trial is canceled. Idempotent until the user is erased.
 */
import { optional, strictObject, string } from "zod/mini";
import { deleteUser } from "#core/administration/delete_user.ts";
import { namedUserOf } from "#core/call.ts";
import { mailer, stripe } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: optional(text()) });
export const response = strictObject({ deleted_at: string() });

export const handler = rpc({
  name: "delete_user",
  version: "2026-12-01",
  summary: "Deletes a user, whose data is erased after 30 days.",
  access: "fresh_own_user|cap:users.write",
  request,
  isBodyOptional: true,
  response,
  errors: [
    "reauthentication_required",
    "user_not_found",
    "capability_escalation",
    "active_subscription",
    "last_owner",
    "last_admin",
    "stripe_error",
  ],
  parts: { mailer, stripe },
  async run({ core, request: { user_id }, caller, call, cookies }) {
    const userId = namedUserOf(caller, user_id);
    const deleted_at = await deleteUser(core, userId, { caller, call });
    if (caller.kind === "user" && caller.userId === userId)
      cookies.clear(core.oauthClients.find(caller.clientId));
    return { deleted_at };
  },
});
