/**
 * Emails a magic link that signs the recipient in once.
 *
 * The response is the same for known and unknown addresses, so that it does not reveal who has an account. Not
 * idempotent: each call sends an email.
 */
import { optional, strictObject } from "zod/mini";
import { mailer, rateLimiter } from "#core/parts.ts";
import { deviceFields, linkFields, readLinkRequest } from "#core/sign_in/link_request.ts";
import { checkLink, limitLinkRequest, mailLink, storeLink } from "#core/sign_in/magic_link.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ ...linkFields, device: optional(deviceFields) });

export const handler = rpc({
  name: "send_magic_link",
  version: "2020-12-14",
  summary: "Emails a magic link that signs the recipient in once.",
  access: "public",
  request,
  response: null,
  errors: ["client_not_found", "invalid_redirect_uri", "invalid_email", "rate_limited", "email_not_sent"],
  parts: { mailer, rateLimiter },
  async run({ core, request, caller, call }) {
    const allowed = await limitLinkRequest(core, checkLink(core, readLinkRequest(request, caller)), call);
    await mailLink(core, await storeLink(core, allowed), call);
  },
});
