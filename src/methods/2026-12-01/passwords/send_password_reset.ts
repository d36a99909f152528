/**
 * Sends a link and a code by mail, or a code by SMS, with which a person chooses a new password.
 *
 * The response is the same for people without an account. Their address gets a mail which says that there is none. The link
 * opens `redirect_uri` with the query parameters `token`, `flow=reset_password` and `client_id`; the page sends the token to
 * `reset_password`. Link and code work for 30 minutes, and a code by SMS for 10. Another request replaces them. Not
 * idempotent: each call sends a message.
 */
import { optional, strictObject, string } from "zod/mini";
import { CAPTCHA_ERRORS, captchaToken, requireCaptcha } from "#core/captcha/require_captcha.ts";
import { captcha, codeKey, mailer, rateLimiter, texter } from "#core/parts.ts";
import { sendReset } from "#core/sign_in/reset/send_reset.ts";
import { codeDevice, readCodeDevice } from "#core/verifications/code_device.ts";
import { readTarget } from "#core/verifications/code_request.ts";
import { targetType } from "#core/verifications/target_type.ts";
import { text, typedAddress } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  client_id: text(),
  identifier_type: targetType,
  identifier_value: typedAddress(),
  redirect_uri: text(),
  captcha_token: captchaToken,
  device: optional(codeDevice),
});
export const response = strictObject({ nonce: string(), expires_at: string() });

export const handler = rpc({
  name: "send_password_reset",
  version: "2026-12-01",
  summary: "Sends a link and a code with which a person chooses a new password.",
  access: "public",
  request,
  response,
  errors: [
    "client_not_found",
    "grant_not_allowed",
    "invalid_redirect_uri",
    "invalid_identifier",
    "country_not_allowed",
    "rate_limited",
    "delivery_failed",
    ...CAPTCHA_ERRORS,
  ],
  parts: { captcha, codeKey, mailer, rateLimiter, texter },
  async run({ core, request: asked, call }) {
    const client = core.oauthClients.requireGrant(asked.client_id, "password");
    const target = readTarget(client, asked.identifier_type, asked.identifier_value);
    const { device } = readCodeDevice(asked.device);
    const { captcha_token: token } = asked;
    await requireCaptcha(core, client, { method: "send_password_reset", token }, call);
    const wanted = { client, target, redirectUri: asked.redirect_uri, device };
    const { nonce, expiresAt } = await sendReset(core, wanted, call);
    return { nonce, expires_at: expiresAt };
  },
});
