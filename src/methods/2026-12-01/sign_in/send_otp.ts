/**
 * Sends a code of six digits by SMS or mail, or a link by mail, with which a person signs in.
 *
 * The response has the nonce that the grant `otp` requires with the code. Known and unknown people get the same response.
 * The code works for 10 minutes and allows five attempts. Another code can be requested after 60 s, and replaces it. Not
 * idempotent: each call sends a message.
 *
 * A client that lists the grant `otp_link` can send a link with `delivery`, which works on every device. It opens `redirect_uri`
 * with the query parameters `token`, `flow=sign_in` and `client_id`. The page sends the token with the grant `otp` when the
 * person presses a button, because mail scanners open links. SMS have codes only.
 *
 * An internal caller may choose the sender, the subject and the body of a link's mail (`email`). Another caller gets them if the
 * client's app file registers exactly these texts (`emailTemplates`), else the usual mail.
 */
import { nullable, number, enum as oneOf, optional, strictObject, string } from "zod/mini";
import { CAPTCHA_ERRORS, captchaToken, requireCaptcha } from "#core/captcha/require_captcha.ts";
import { captcha, codeKey, mailer, rateLimiter, texter } from "#core/parts.ts";
import { chooseEmail, emailFields } from "#core/sign_in/custom_email.ts";
import { sendCode } from "#core/sign_in/send_code.ts";
import { codeDevice, readCodeDevice } from "#core/verifications/code_device.ts";
import { CODE_LENGTH } from "#core/verifications/code_key.ts";
import { readTarget } from "#core/verifications/code_request.ts";
import { pageOf } from "#core/verifications/link_page.ts";
import { targetType } from "#core/verifications/target_type.ts";
import { invalidBody, text, typedAddress } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  client_id: text(),
  identifier_type: targetType,
  identifier_value: typedAddress(),
  captcha_token: captchaToken,
  device: optional(codeDevice),
  delivery: optional(oneOf(["code", "link"])),
  redirect_uri: optional(text()),
  email: optional(emailFields),
});
export const response = strictObject({
  nonce: string(),
  expires_at: string(),
  resend_at: string(),
  code_length: nullable(number()),
});

export const handler = rpc({
  name: "send_otp",
  version: "2026-12-01",
  summary: "Sends a code by SMS or mail, or a link by mail, with which a person signs in.",
  access: "public",
  request,
  response,
  errors: [
    "client_not_found",
    "grant_not_allowed",
    "invalid_redirect_uri",
    "invalid_identifier",
    "country_not_allowed",
    "sender_not_allowed",
    "link_placeholder_missing",
    "rate_limited",
    "delivery_failed",
    ...CAPTCHA_ERRORS,
  ],
  parts: { captcha, codeKey, mailer, rateLimiter, texter },
  async run({ core, request: asked, caller, call }) {
    const { delivery = "code", redirect_uri: page, identifier_type: type } = asked;
    const isLink = delivery === "link";
    if (isLink && type === "phone")
      throw invalidBody("an SMS has no link: ask for a code, or name an email address");
    if (!isLink && asked.email !== undefined) throw invalidBody("email needs delivery link");
    const client = core.oauthClients.requireGrant(asked.client_id, isLink ? "otp_link" : "otp");
    const redirectUri = pageOf(core, { client, delivery, redirectUri: page }, type);
    const target = readTarget(client, type, asked.identifier_value);
    const { device } = readCodeDevice(asked.device);
    const email = chooseEmail(asked.email, client, caller);
    // An internal caller has no page that could show a CAPTCHA.
    if (caller.kind !== "internal")
      await requireCaptcha(core, client, { method: "send_otp", token: asked.captcha_token }, call);
    const sent = await sendCode(core, "sign_in", { client, target, device, redirectUri, email }, call);
    return {
      nonce: sent.nonce,
      expires_at: sent.expiresAt.toISOString(),
      resend_at: sent.resendAt.toISOString(),
      code_length: isLink ? null : CODE_LENGTH,
    };
  },
});
