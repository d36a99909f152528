/**
 * Sends a code of six digits by SMS or mail, with which a person signs in.
 *
 * The response has the nonce that the grant `otp` requires with the code. Known and unknown people get the same response.
 * The code works for 10 minutes and allows five attempts. Another code can be requested after 60 s, and replaces it. Not
 * idempotent: each call sends a message.
 */
import { number, optional, strictObject, string } from "zod/mini";
import { CAPTCHA_ERRORS, captchaToken, requireCaptcha } from "#core/captcha/require_captcha.ts";
import { captcha, codeKey, mailer, rateLimiter, texter } from "#core/parts.ts";
import { sendCode } from "#core/sign_in/send_code.ts";
import { codeDevice, readCodeDevice } from "#core/verifications/code_device.ts";
import { CODE_LENGTH } from "#core/verifications/code_key.ts";
import { readTarget } from "#core/verifications/code_request.ts";
import { targetType } from "#core/verifications/target_type.ts";
import { text, typedAddress } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  client_id: text(),
  identifier_type: targetType,
  identifier_value: typedAddress(),
  captcha_token: captchaToken,
  device: optional(codeDevice),
});
export const response = strictObject({
  nonce: string(),
  expires_at: string(),
  resend_at: string(),
  code_length: number(),
});

export const handler = rpc({
  name: "send_otp",
  version: "2026-12-01",
  summary: "Sends a code by SMS or mail, with which a person signs in.",
  access: "public",
  request,
  response,
  errors: [
    "client_not_found",
    "grant_not_allowed",
    "invalid_identifier",
    "country_not_allowed",
    "rate_limited",
    "delivery_failed",
    ...CAPTCHA_ERRORS,
  ],
  parts: { captcha, codeKey, mailer, rateLimiter, texter },
  async run({ core, request: asked, call }) {
    const client = core.oauthClients.requireGrant(asked.client_id, "otp");
    const target = readTarget(client, asked.identifier_type, asked.identifier_value);
    const { device } = readCodeDevice(asked.device);
    await requireCaptcha(core, client, { method: "send_otp", token: asked.captcha_token }, call);
    const sent = await sendCode(core, "sign_in", { client, target, device }, call);
    return {
      nonce: sent.nonce,
      expires_at: sent.expiresAt.toISOString(),
      resend_at: sent.resendAt.toISOString(),
      code_length: CODE_LENGTH,
    };
  },
});
