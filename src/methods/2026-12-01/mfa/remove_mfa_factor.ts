/**
 * Removes a second factor.
 * Users can remove their own factors within 10 minutes after they presented a second factor. The current session continues, and every
 * other session ends. A caller with the capability `users.write` can remove the factor of another user, such as a user who lost a device;
 * then all sessions of that user end. When the last factor is removed, the recovery codes stop working, and sign-ins need one factor again.
 * Verified addresses get a notice. Removing a factor again changes nothing.
 *
 * If only passkeys would be left, and the app has clients that can't use passkeys, users need `confirm`: these clients can no longer sign
 * them in. The call is refused if the factors that would be left work with none of the user's ways to sign in.
 */
import { boolean, optional, strictObject, string } from "zod/mini";
import { namedUserOf } from "#core/call.ts";
import { removeFactor } from "#core/factors/remove_factor.ts";
import { mailer } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  ...{ factor_id: text(), user_id: optional(text()) },
  confirm: optional(boolean()),
});
export const response = strictObject({ removed_at: string() });

export const handler = rpc({
  name: "remove_mfa_factor",
  version: "2026-12-01",
  summary: "Removes a second factor.",
  access: "own_user|cap:users.write",
  request,
  response,
  errors: [
    "reauthentication_required",
    "factor_not_found",
    "mfa_required_by_policy",
    "mfa_confirmation_required",
    "factor_repeats_sign_in",
    "capability_escalation",
  ],
  parts: { mailer },
  async run({ core, request: { factor_id: factorId, user_id, confirm = false }, caller, call }) {
    const userId = namedUserOf(caller, user_id);
    return { removed_at: await removeFactor(core, { userId, factorId, confirm, caller, call }) };
  },
});
