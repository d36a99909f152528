/**
 * Creates a link and a code with which a user chooses a new password, for a program that sends them itself.
 *
 * Internal callers only. Send the user either the token, in a link to a page of yours, or the code; the other stays secret. The
 * page or the app sends it to `reset_password`. With `deliver`, Nest sends its own message too, and the link opens `redirect_uri`.
 * They work for 30 minutes, and for a phone number 10. Another request replaces them. Not idempotent.
 */
import { boolean, optional, strictObject, string } from "zod/mini";
import { codeKey, mailer, texter } from "#core/parts.ts";
import { createReset } from "#core/sign_in/reset/create_reset.ts";
import { readTarget } from "#core/verifications/code_request.ts";
import { targetType } from "#core/verifications/target_type.ts";
import { text, typedAddress } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  client_id: text(),
  identifier_type: targetType,
  identifier_value: typedAddress(),
  deliver: optional(boolean()),
  redirect_uri: optional(text()),
});
export const response = strictObject({
  nonce: string(),
  code: string(),
  token: string(),
  expires_at: string(),
});

export const handler = rpc({
  name: "create_password_reset",
  version: "2026-12-01",
  summary: "Creates a link and a code with which a user chooses a new password, and returns them.",
  access: "internal",
  request,
  response,
  errors: [
    "client_not_found",
    "grant_not_allowed",
    "invalid_redirect_uri",
    "invalid_identifier",
    "country_not_allowed",
    "user_not_found",
    "delivery_failed",
  ],
  parts: { codeKey, mailer, texter },
  async run({ core, request: asked, caller, call }) {
    const client = core.oauthClients.requireGrant(asked.client_id, "password");
    const target = readTarget(client, asked.identifier_type, asked.identifier_value);
    const ordered = { client, target, redirectUri: asked.redirect_uri, isDelivered: asked.deliver === true };
    const { nonce, code, token, expiresAt } = await createReset(core, ordered, { caller, call });
    return { nonce, code, token, expires_at: expiresAt };
  },
});
