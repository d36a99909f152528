/* * Creates a second factor, which is active once `verify_mfa_factor` has accepted its first code or its passkey.
 *
 * The user must have signed in within the last 10 minutes, or present the `mfa_token` of `mfa_enrollment_required`. A user who has
 * addresses or numbers must have verified one of them. `totp`: show `qr_code`, or `secret`, to the person, whose authenticator app
 * computes codes from it; no later response has them. `webauthn`: pass `passkey_options` to the browser, on a page in
 * `passkeys.origins` of the client. `sms`: a code is sent to `phone_number`. `email`: a code is sent to the primary address.
 *
 * A user's first factor needs `confirm` if the app has clients that can't present a second factor: these clients can no longer sign the
 * user in. The new factor replaces a factor of the same type that is not verified yet. The types `sms` and `email` are refused if the
 * user can sign in only by the same number or mailbox. Not idempotent.
 */
import { boolean, nullable, optional, strictObject, string } from "zod/mini";
import { createFactor } from "#core/factors/create_factor.ts";
import { factorOwner } from "#core/factors/factor_owner.ts";
import { factorType } from "#core/factors/factor_view.ts";
import { codeKey, factorKeys, mailer, rateLimiter, texter } from "#core/parts.ts";
import { creationOptions } from "#core/passkeys/ceremony.ts";
import { nameText, text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

const NAME_LENGTH = 64;

export const request = strictObject({
  factor_type: factorType,
  name: optional(nameText(NAME_LENGTH)),
  phone_number: optional(text()),
  confirm: optional(boolean()),
  mfa_token: optional(text()),
});
export const response = strictObject({
  factor_id: string(),
  secret: nullable(string()),
  otpauth_uri: nullable(string()),
  qr_code: nullable(string()),
  passkey_options: nullable(creationOptions),
  hint: nullable(string()),
  expires_at: string(),
});

export const handler = rpc({
  name: "create_mfa_factor",
  version: "2026-12-01",
  summary: "Creates a second factor, which is active once its first code was accepted.",
  access: "public",
  recognizesUser: true,
  request,
  response,
  errors: [
    "reauthentication_required",
    "mfa_token_expired",
    "factor_type_not_allowed",
    "own_address_not_verified",
    "too_many_factors",
    "factor_repeats_sign_in",
    "mfa_confirmation_required",
    "invalid_identifier",
    "country_not_allowed",
    "rate_limited",
    "delivery_failed",
    "client_not_found",
  ],
  parts: { codeKey, factorKeys, mailer, rateLimiter, texter },
  async run({ core, request: body, caller, call }) {
    const owner = await factorOwner(core, body.mfa_token, { caller, call });
    const asked = {
      factorType: body.factor_type,
      name: body.name ?? null,
      phoneNumber: body.phone_number,
      confirm: body.confirm === true,
    };
    const { factor, app, passkeyOptions, hint } = await createFactor(core, owner, asked, call);
    return {
      factor_id: factor._id,
      secret: app?.seed ?? null,
      otpauth_uri: app?.uri ?? null,
      qr_code: app?.picture ?? null,
      passkey_options: passkeyOptions,
      hint,
      expires_at: factor.expiresAt,
    };
  },
});
