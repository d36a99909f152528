/**
 * Signs out: revokes the session of a refresh token, and removes the cookies of a browser.
 *
 * A refresh token of any generation works. Without `refresh_token`, the cookie is used. The response is 204 for every
 * well-formed body, so that it reveals nothing about a token.
 */
import { optional, strictObject } from "zod/mini";
import { revokeRefreshToken } from "#core/sessions/sign_out.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ client_id: text(), refresh_token: optional(text()) });

export const handler = rpc({
  name: "revoke_token",
  version: "2026-12-01",
  summary: "Signs out: revokes the session of a refresh token, and removes the cookies of a browser.",
  access: "public",
  request,
  response: null,
  errors: ["malformed_refresh_token"],
  async run({ core, request: { client_id, refresh_token }, call, cookies }) {
    const client = core.oauthClients.find(client_id);
    const token = refresh_token ?? cookies.refreshToken(client);
    if (token !== undefined) await revokeRefreshToken(core, token, call);
    cookies.clear(client);
  },
});
