/* * Opens a challenge that a passkey signs, to sign in alone or as the second factor.
 *
 * Pass `options` to `PublicKeyCredential.parseRequestOptionsFromJSON()` and the result to `navigator.credentials.get()`, on a page in
 * `passkeys.origins` of the client. Call `toJSON()` on the credential that it returns. To sign in with the passkey alone, send this as
 * `credential`, with `challenge_id`, to the grant `webauthn`. With `mfa_token`, only the user's own passkeys can sign: send `credential`
 * with `mfa_token` to the grant `mfa`. A new call with the same `mfa_token` replaces the challenge. Not idempotent.
 */
import { nullable, optional, strictObject, string } from "zod/mini";
import { rateLimiter } from "#core/parts.ts";
import { requestOptions } from "#core/passkeys/ceremony.ts";
import { openPasskeySignIn, openPasskeyStep } from "#core/sign_in/passkey_challenge.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ client_id: text(), mfa_token: optional(text()) });
export const response = strictObject({
  challenge_id: nullable(string()),
  options: requestOptions,
  expires_at: string(),
});

export const handler = rpc({
  name: "create_passkey_challenge",
  version: "2026-12-01",
  summary: "Opens a challenge that a passkey signs, to sign in or as the second factor.",
  access: "public",
  request,
  response,
  errors: ["client_not_found", "grant_not_allowed", "mfa_token_expired", "factor_not_found", "rate_limited"],
  parts: { rateLimiter },
  async run({ core, request: { client_id: clientId, mfa_token: mfaToken }, call }) {
    const { challengeId, options, expiresAt } =
      mfaToken === undefined
        ? await openPasskeySignIn(core, clientId, call)
        : await openPasskeyStep(core, { clientId, mfaToken }, call);
    return { challenge_id: challengeId, options, expires_at: expiresAt };
  },
});
