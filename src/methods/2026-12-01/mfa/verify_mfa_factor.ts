/**
 * Activates a second factor with its first code or its passkey.
 * `credential` is the passkey that the browser created. From then on, every sign-in of the user requires a second factor.
 *
 * Call it with the access token or the `mfa_token` of the `create_mfa_factor` call. With an access token, the current session continues and
 * every other session of the user ends. With an `mfa_token`, all sessions end, and the user signs in again.
 *
 * If the user had no factor before, the response has ten recovery codes, each of which replaces a factor once. No later response has them:
 * if this response was lost, `regenerate_recovery_codes` issues new codes. A factor allows five codes. If a call fails with a status of 500
 * or above, repeat it.
 */
import { array, nullable, optional, type output, strictObject, string } from "zod/mini";
import { factorOwner } from "#core/factors/factor_owner.ts";
import { factorFields, factorToWire } from "#core/factors/factor_view.ts";
import type { FirstUse } from "#core/factors/first_use.ts";
import { verifyFactor } from "#core/factors/verify_factor.ts";
import { codeKey, factorKeys, mailer, rateLimiter } from "#core/parts.ts";
import { newCredential } from "#core/passkeys/credential.ts";
import { invalidBody, text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  ...{ factor_id: text(), code: optional(text()), credential: optional(newCredential) },
  mfa_token: optional(text()),
});
export const response = strictObject({ factor: factorFields, recovery_codes: nullable(array(string())) });

/** @throws NestError validation_failed unless either a code or a passkey is given */
function presentedIn({ code, credential }: output<typeof request>): FirstUse {
  if (code !== undefined && credential === undefined) return { code };
  if (code === undefined && credential !== undefined) return { credential };
  throw invalidBody("needs either code or credential");
}

export const handler = rpc({
  name: "verify_mfa_factor",
  version: "2026-12-01",
  summary: "Activates a second factor with its first code or its passkey.",
  access: "public",
  recognizesUser: true,
  request,
  response,
  errors: [
    "reauthentication_required",
    "mfa_token_expired",
    "factor_not_found",
    "mfa_failed",
    "too_many_factors",
    "factor_repeats_sign_in",
    "rate_limited",
    "client_not_found",
  ],
  parts: { codeKey, factorKeys, mailer, rateLimiter },
  async run({ core, request: body, caller, call }) {
    const owner = await factorOwner(core, body.mfa_token, { caller, call });
    const first = { factorId: body.factor_id, presented: presentedIn(body) };
    const { factor, recoveryCodes } = await verifyFactor(core, owner, first, call);
    return { factor: factorToWire(factor), recovery_codes: recoveryCodes };
  },
});
