/**
 * Signs out: revokes the session of a refresh token, and removes the cookies of a browser.
 *
 * A refresh token of any generation works. Without `refresh_token`, the cookie is used, if it is of the client; another
 * client's session and cookies stay. The response is 204 for every well-formed body, so that it reveals nothing about a token.
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
    const cookie = refresh_token === undefined ? cookies.refreshToken(client) : undefined;
    const refreshToken = refresh_token ?? cookie;
    // Two clients of the app share the cookies in a browser.
    const clientId = cookie === undefined ? null : client_id;
    const isOwn =
      refreshToken === undefined || (await revokeRefreshToken(core, { refreshToken, clientId }, call));
    if (isOwn) cookies.clear(client);
  },
});
