/**
 * Signs out: revokes the session of a refresh token.
 *
 * A refresh token of any generation works. The response is 204 for every well-formed body, so that it reveals nothing
 * about a token.
 */
import { strictObject } from "zod/mini";
import { revokeRefreshToken } from "#core/sessions/sign_out.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ client_id: text(), refresh_token: text() });

export const handler = rpc({
  name: "revoke_token",
  version: "2021-10-06",
  summary: "Signs out: revokes the session of a refresh token.",
  access: "public",
  request,
  response: null,
  errors: [],
  async run({ core, request: { refresh_token: refreshToken }, call }) {
    await revokeRefreshToken(core, { refreshToken, clientId: null }, call);
  },
});
