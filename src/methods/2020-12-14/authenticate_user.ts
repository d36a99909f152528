/**
 * Exchanges a mailed code, or a refresh token, for tokens.
 *
 * A code works once. If the response was lost, the same request gets the same session and refresh token until they are
 * used: a code 5 s after the first attempt and within its 20 minutes, a refresh token at any time.
 */
import { literal, number, enum as oneOf, type output, strictObject, string } from "zod/mini";
import { rateLimiter, refreshKeys, signer } from "#core/parts.ts";
import type { TokenPair } from "#core/sessions/issue_session.ts";
import { GRANT_TYPES, grantParameters, grants } from "#core/sign_in/grants/all.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  client_id: text(),
  grant_type: oneOf(GRANT_TYPES),
  ...grantParameters,
});

export const response = strictObject({
  access_token: string(),
  token_type: literal("bearer"),
  expires_in: number(),
  expires_at: string(),
  refresh_token: string(),
  user_id: string(),
  client_id: string(),
});

export const handler = rpc({
  name: "authenticate_user",
  version: "2020-12-14",
  summary: "Exchanges a mailed code, or a refresh token, for tokens.",
  access: "public",
  request,
  response,
  errors: [
    "code_missing",
    "code_verifier_missing",
    "redirect_uri_missing",
    "refresh_token_missing",
    "malformed_code",
    "malformed_refresh_token",
    "not_found",
    "token_not_found",
    "token_used",
    "token_expired",
    "authorization_not_found",
    "incorrect_client",
    "incorrect_redirect_uri",
    "incorrect_code_verifier",
    "client_not_found",
    "rate_limited",
  ],
  parts: { rateLimiter, refreshKeys, signer },
  async run({ core, request: asked, call }) {
    return toWire(await grants[asked.grant_type].redeem(core, asked, call));
  },
});

function toWire(pair: TokenPair): output<typeof response> {
  return {
    access_token: pair.accessToken,
    token_type: "bearer",
    expires_in: pair.expiresIn,
    expires_at: pair.expiresAt,
    refresh_token: pair.refreshToken,
    user_id: pair.userId,
    client_id: pair.clientId,
  };
}
