/**
 * Removes a second factor.
 *
 * Users remove their own within 10 minutes after they presented a second factor; the current session stays and every other session
 * ends. The capability `users.write` removes the factor of another user, such as one who lost a device: then all sessions of that user
 * end. With the last factor, the recovery codes end, and sign-ins need one factor again. Verified addresses get a notice. Removing a
 * factor again changes nothing.
 *
 * If only passkeys would stay, and the app has clients that can't use them, users need `confirm`: these clients can't sign them in any
 * more. If the factors that would stay could follow no sign-in of theirs, the call is refused.
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
