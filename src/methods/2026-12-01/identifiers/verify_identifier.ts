/**
 * Verifies an email address or phone number with the token of a link, or with the nonce and the code of a message.
 *
 * Each works once; a code allows five attempts. If several users want the same address, the first who verifies it gets it. Until the first
 * verification, somebody else may have claimed the user's only address: then what was set before is dropped, unless the code is presented
 * with its nonce, or the call has the user's access token, as a bearer token or in the cookie. The user's other verified addresses get a
 * notice.
 */
import { optional, strictObject } from "zod/mini";
import { identifierFields, identifierToWire } from "#core/identifiers/identifier_view.ts";
import { verifyIdentifier } from "#core/identifiers/verify_identifier.ts";
import { codeKey, mailer, rateLimiter } from "#core/parts.ts";
import type { PresentedSecret } from "#core/verifications/redeem_verification.ts";
import { invalidBody, text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  client_id: text(),
  token: optional(text()),
  nonce: optional(text()),
  code: optional(text()),
});
export const response = strictObject({ identifier: identifierFields });

/** @throws NestError validation_failed unless either a token, or a nonce and a code, is given */
function readPresented(asked: {
  token?: string | undefined;
  nonce?: string | undefined;
  code?: string | undefined;
}): PresentedSecret {
  const { token, nonce, code } = asked;
  if (token !== undefined && nonce === undefined && code === undefined) return { token };
  if (token === undefined && nonce !== undefined && code !== undefined) return { nonce, code };
  throw invalidBody("needs either token, or nonce and code");
}

export const handler = rpc({
  name: "verify_identifier",
  version: "2026-12-01",
  summary: "Verifies an email address or phone number with the token of a link, or with nonce and code.",
  access: "public",
  recognizesUser: true,
  request,
  response,
  errors: ["client_not_found", "verification_not_found", "rate_limited"],
  parts: { codeKey, mailer, rateLimiter },
  async run({ core, request: asked, caller, call }) {
    const presented = readPresented(asked);
    const client = core.oauthClients.require(asked.client_id);
    const identifier = await verifyIdentifier(core, { client, presented, caller }, call);
    return { identifier: identifierToWire(identifier) };
  },
});
