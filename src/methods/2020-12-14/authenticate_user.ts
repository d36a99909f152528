/**
 * Exchanges a mailed code, or a refresh token, for tokens.
 *
 * A code works once. If the response was lost, the same request gets the same session and refresh token until they are
 * used: a code 5 s after the first attempt and within its 20 minutes, a refresh token at any time.
 */
import { enum as oneOf, strictObject } from "zod/mini";
import { rateLimiter, refreshKeys, signer } from "#core/parts.ts";
import { GRANT_TYPES, grantParameters, grants } from "#core/sign_in/grants/all.ts";
import { SIGN_IN_ERRORS, tokenFields, tokensToWire } from "#core/sign_in/token_response.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  client_id: text(),
  grant_type: oneOf(GRANT_TYPES),
  ...grantParameters,
});

export const response = strictObject(tokenFields);

export const handler = rpc({
  name: "authenticate_user",
  version: "2020-12-14",
  summary: "Exchanges a mailed code, or a refresh token, for tokens.",
  access: "public",
  request,
  response,
  errors: SIGN_IN_ERRORS,
  parts: { rateLimiter, refreshKeys, signer },
  async run({ core, request: asked, call }) {
    return tokensToWire(await grants[asked.grant_type].redeem(core, asked, call));
  },
});
