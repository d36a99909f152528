/**
 * Changes the name, the locale, the metadata or the status of a user.
 *
 * Users change their own name, locale and metadata. The status, and other users, need the capability `users.write`, and a user whose
 * roles allow no more than the caller's. From the response on, no token of a disabled user is accepted and no sign-in succeeds, at
 * every version date. A user who is active again must sign in again. `metadata` replaces what was stored.
 */
import { enum as oneOf, optional, strictObject } from "zod/mini";
import { updateUser } from "#core/administration/update_user.ts";
import { namedUserOf } from "#core/call.ts";
import { profileParameters, userFields, userToWire } from "#core/users/user_view.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  user_id: optional(text()),
  ...profileParameters,
  status: optional(oneOf(["active", "disabled"])),
});
export const response = strictObject({ user: userFields });

export const handler = rpc({
  name: "update_user",
  version: "2026-12-01",
  summary: "Changes the name, the locale, the metadata or the status of a user.",
  access: "own_user|cap:users.write",
  request,
  response,
  errors: [
    "reauthentication_required",
    "cannot_disable_self",
    "capability_escalation",
    "user_not_found",
    "last_admin",
  ],
  reads: ({ core, request: { user_id }, caller }) =>
    core.identifiers.listByUser(namedUserOf(caller, user_id)),
  async run({ core, request: { user_id, ...change }, reads: identifiers, caller, call }) {
    const userId = namedUserOf(caller, user_id);
    const { user, own } = await updateUser(core, userId, change, { caller, call });
    return { user: userToWire(user, identifiers, own) };
  },
});
