/**
 * Sends a code to a second factor of the type `sms` or `email`, to complete a sign-in or a challenge.
 *
 * The code works with this `mfa_token` only, until the token expires. After 60 s, a new code can be requested, which replaces it. Not
 * idempotent: each call sends a message.
 */
import { strictObject, string } from "zod/mini";
import { sendMfaCode } from "#core/factors/step_up_challenge.ts";
import { codeKey, mailer, rateLimiter, texter } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ client_id: text(), mfa_token: text(), factor_id: text() });
export const response = strictObject({ hint: string(), expires_at: string(), resend_at: string() });

export const handler = rpc({
  name: "send_mfa_code",
  version: "2026-12-01",
  summary: "Sends a code to a second factor by SMS or mail.",
  access: "public",
  request,
  response,
  errors: [
    "client_not_found",
    "mfa_token_expired",
    "factor_not_found",
    "country_not_allowed",
    "rate_limited",
    "delivery_failed",
  ],
  parts: { codeKey, mailer, rateLimiter, texter },
  async run({ core, request: body, call }) {
    const asked = { clientId: body.client_id, mfaToken: body.mfa_token, factorId: body.factor_id };
    const { hint, expiresAt, resendAt } = await sendMfaCode(core, asked, call);
    return { hint, expires_at: expiresAt, resend_at: resendAt.toISOString() };
  },
});
