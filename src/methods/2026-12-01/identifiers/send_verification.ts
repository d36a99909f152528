/**
 * Sends a code or a link with which the user verifies an email address or phone number.
 *
 * Name one of the user's identifiers by its id, or a new address or number. To add a new one, the user must have signed in within the last
 * 10 minutes, and have verified one identifier. It is pending until it is verified, and belongs to nobody. If it belongs to another user,
 * the response is the same, and the message says so. A link opens `redirect_uri` with the query parameters `token`,
 * `flow=verify_identifier` and `client_id`; the page sends the token to `verify_identifier`. SMS have codes only. Not idempotent: each call
 * sends a message.
 */
import { enum as oneOf, optional, strictObject, string } from "zod/mini";
import { userOf } from "#core/call.ts";
import { sendVerification } from "#core/identifiers/send_verification.ts";
import { codeKey, mailer, rateLimiter, texter } from "#core/parts.ts";
import { targetType } from "#core/verifications/target_type.ts";
import { invalidBody, text, typedAddress } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  client_id: text(),
  identifier_id: optional(text()),
  identifier_type: optional(targetType),
  identifier_value: optional(typedAddress()),
  delivery: optional(oneOf(["code", "link"])),
  redirect_uri: optional(text()),
});
export const response = strictObject({
  nonce: string(),
  identifier_id: string(),
  expires_at: string(),
  resend_at: string(),
});

/** @throws NestError validation_failed unless either an id, or a type and a value, is given */
function readAsked(asked: {
  identifier_id?: string | undefined;
  identifier_type?: "email" | "phone" | undefined;
  identifier_value?: string | undefined;
}) {
  const { identifier_id: identifierId, identifier_type: type, identifier_value: typed } = asked;
  if (identifierId !== undefined && type === undefined && typed === undefined) return { identifierId };
  if (identifierId === undefined && type !== undefined && typed !== undefined) return { type, typed };
  throw invalidBody("needs either identifier_id, or identifier_type and identifier_value");
}

export const handler = rpc({
  name: "send_verification",
  version: "2026-12-01",
  summary: "Sends a code or a link with which the user verifies an email address or phone number.",
  access: "user",
  request,
  response,
  errors: [
    "client_not_found",
    "invalid_identifier",
    "country_not_allowed",
    "invalid_redirect_uri",
    "identifier_not_found",
    "already_verified",
    "reauthentication_required",
    "identifier_not_verified",
    "rate_limited",
    "delivery_failed",
  ],
  parts: { codeKey, mailer, rateLimiter, texter },
  async reads({ core, caller }) {
    const { userId } = userOf(caller);
    const [identifiers, pending] = await Promise.all([
      core.identifiers.listByUser(userId),
      core.pendingIdentifiers.listOpen(userId),
    ]);
    return { identifiers, pending };
  },
  async run({ core, request: body, reads, caller, call }) {
    const asked = readAsked(body);
    const client = core.oauthClients.require(body.client_id);
    const { delivery = "code", redirect_uri: redirectUri } = body;
    const wanted = { ...reads, asked, client, caller: userOf(caller), delivery, redirectUri };
    const sent = await sendVerification(core, wanted, call);
    return {
      nonce: sent.nonce,
      identifier_id: sent.identifierId,
      expires_at: sent.expiresAt,
      resend_at: sent.resendAt.toISOString(),
    };
  },
});
