/**
 * Sets the first password of the user, or changes it.
 *
 * The user must have signed in within the last 10 minutes, and must present the current password if there is one
 * (`has_password` of `get_user`). The current session stays and every other session of the user ends. Open resets are revoked,
 * and each verified address gets a notice. A forgotten password is replaced by `send_password_reset` instead. If a call fails
 * with a status of 500 or above, repeat it with the same passwords.
 */
import { number, optional, strictObject } from "zod/mini";
import { userOf } from "#core/call.ts";
import { breachedPasswords, mailer, passwordHasher, rateLimiter } from "#core/parts.ts";
import { ownPassword } from "#core/passwords/acceptable_password.ts";
import { typedPassword } from "#core/passwords/password_text.ts";
import { setPassword } from "#core/passwords/set_password.ts";
import { requireFresh } from "#core/sessions/freshness.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  password: typedPassword(),
  current_password: optional(typedPassword()),
});
export const response = strictObject({ sessions_revoked: number() });

export const handler = rpc({
  name: "set_password",
  version: "2026-12-01",
  summary: "Sets the first password of the user, or changes it.",
  access: "user",
  request,
  response,
  errors: [
    "reauthentication_required",
    "grant_not_allowed",
    "invalid_credentials",
    "password_not_acceptable",
    "rate_limited",
  ],
  parts: { breachedPasswords, mailer, passwordHasher, rateLimiter },
  async reads({ core, caller }) {
    const { userId } = userOf(caller);
    const [stored, identifiers] = await Promise.all([
      core.passwords.findByUser(userId),
      core.identifiers.listByUser(userId),
    ]);
    return { stored: ownPassword(identifiers, stored), identifiers };
  },
  async run({ core, request: asked, reads: { stored, identifiers }, caller, call }) {
    requireFresh(caller, core.clock.now());
    const user = userOf(caller);
    // A token of a client that is not enabled was refused before.
    const client = core.oauthClients.requireGrant(user.clientId, "password");
    const { password, current_password: currentPassword } = asked;
    const change = { client, caller: user, password, currentPassword, stored, identifiers };
    return { sessions_revoked: await setPassword(core, change, call) };
  },
});
