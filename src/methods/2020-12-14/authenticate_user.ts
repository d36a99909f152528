/**
 * Exchanges a mailed code, or a refresh token, for tokens.
 *
 * A code works once; a used refresh token is answered with the same successor until that successor's arrival was seen.
 */
import { literal, number, enum as oneOf, optional, type output, strictObject, string } from "zod/mini";
import { rateLimiter, refreshKeys, signer } from "#core/parts.ts";
import type { TokenPair } from "#core/sessions/token_pair.ts";
import { redeemAuthorizationCode } from "#core/sign_in/grants/authorization_code.ts";
import { rotateRefreshToken } from "#core/sign_in/grants/refresh_token.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  client_id: text(),
  grant_type: oneOf(["refresh_token", "authorization_code"]),
  redirect_uri: optional(text()),
  code: optional(text()),
  code_verifier: optional(text()),
  refresh_token: optional(text()),
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
    if (asked.grant_type === "refresh_token") {
      const grant = { clientId: asked.client_id, refreshToken: asked.refresh_token };
      return toWire(await rotateRefreshToken(core, grant, call));
    }
    const grant = {
      clientId: asked.client_id,
      code: asked.code,
      codeVerifier: asked.code_verifier,
      redirectUri: asked.redirect_uri,
    };
    return toWire(await redeemAuthorizationCode(core, grant, call));
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
