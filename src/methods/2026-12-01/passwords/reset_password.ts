/**
 * Sets a new password with the token of a link, or with a nonce and the code of the same message.
 *
 * Every session of the user ends, and each verified address gets a notice. The response has no tokens: the person signs in with the new
 * password. A second factor stays. The reset verifies the address of the message, if it was not verified. If a call fails with a status of
 * 500 or above, repeat it with the same password.
 */
import { number, optional, strictObject, string } from "zod/mini";
import { NestError } from "#core/errors.ts";
import { breachedPasswords, codeKey, mailer, passwordHasher, rateLimiter } from "#core/parts.ts";
import { typedPassword } from "#core/passwords/password_text.ts";
import { resetPassword } from "#core/sign_in/reset/reset_password.ts";
import { identityOf } from "#core/verifications/code_request.ts";
import { text, typedAddress } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  client_id: text(),
  token: optional(text()),
  nonce: optional(text()),
  code: optional(text()),
  password: typedPassword(),
  identifier_value: optional(typedAddress()),
});
export const response = strictObject({ user_id: string(), sessions_revoked: number() });

/** @throws NestError nonce_missing, code_missing if there is no token */
function presentedIn({ token, nonce, code }: { token?: string; nonce?: string; code?: string }) {
  if (token !== undefined) return { token };
  if (nonce === undefined) throw new NestError("nonce_missing");
  if (code === undefined) throw new NestError("code_missing");
  return { nonce, code };
}

export const handler = rpc({
  name: "reset_password",
  version: "2026-12-01",
  summary: "Sets a new password with a link or a code.",
  access: "public",
  request,
  response,
  errors: [
    "client_not_found",
    "grant_not_allowed",
    "nonce_missing",
    "code_missing",
    "verification_not_found",
    "password_not_acceptable",
    "rate_limited",
  ],
  parts: { breachedPasswords, codeKey, mailer, passwordHasher, rateLimiter },
  async run({ core, request: asked, call }) {
    const client = core.oauthClients.requireGrant(asked.client_id, "password");
    const { identifier_value: named, password } = asked;
    const identity = named === undefined ? null : identityOf(named);
    const reset = { client, presented: presentedIn(asked), password, identity };
    const { userId, sessionsRevoked } = await resetPassword(core, reset, call);
    return { user_id: userId, sessions_revoked: sessionsRevoked };
  },
});
