/**
 * Emails a magic link that signs the recipient in once.
 *
 * The response is the same for known and unknown addresses, so that it does not reveal who has an account. If the client
 * shows user codes, the mail also has a code of eight characters, for people who read it on another device: the grant
 * `authorization_code` takes it with the nonce of the response, and another link can be requested after 60 s. Not idempotent:
 * each call sends an email.
 *
 * An internal caller may choose the sender, the subject and the body of the mail (`email`).
 */
import { optional, strictObject, string } from "zod/mini";
import { CAPTCHA_ERRORS, captchaToken, requireCaptcha } from "#core/captcha/require_captcha.ts";
import { captcha, codeKey, mailer, rateLimiter } from "#core/parts.ts";
import { emailFields, readCustomEmail } from "#core/sign_in/custom_email.ts";
import { deviceFields, linkFields, readLinkRequest } from "#core/sign_in/link_request.ts";
import { checkLink } from "#core/sign_in/magic_link.ts";
import { sendLink } from "#core/sign_in/send_link.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  ...linkFields,
  captcha_token: captchaToken,
  device: optional(deviceFields),
  email: optional(emailFields),
});
export const response = strictObject({ nonce: string(), expires_at: string(), resend_at: string() });

export const handler = rpc({
  name: "send_magic_link",
  version: "2026-12-01",
  summary: "Emails a magic link that signs the recipient in once.",
  access: "public",
  request,
  response,
  errors: [
    "client_not_found",
    "invalid_redirect_uri",
    "invalid_email",
    "sender_not_allowed",
    "link_placeholder_missing",
    "rate_limited",
    "email_not_sent",
    ...CAPTCHA_ERRORS,
  ],
  parts: { captcha, codeKey, mailer, rateLimiter },
  async run({ core, request: asked, caller, call }) {
    const checked = checkLink(core, readLinkRequest(asked, caller));
    const client = core.oauthClients.require(asked.client_id);
    const email = readCustomEmail(asked.email, client, caller);
    // An internal caller has no page that could show a CAPTCHA.
    if (caller.kind !== "internal")
      await requireCaptcha(core, client, { method: "send_magic_link", token: asked.captcha_token }, call);
    const sent = await sendLink(core, checked, email, call);
    return {
      nonce: sent.nonce,
      expires_at: sent.expiresAt.toISOString(),
      resend_at: sent.resendAt.toISOString(),
    };
  },
});
