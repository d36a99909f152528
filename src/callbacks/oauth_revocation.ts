/**
 * `POST /1/oauth/revoke`: token revocation in the form of RFC 7009, for standard libraries. It signs out as `revoke_token` does, and
 * also takes an access token.
 */
import { issuer, verifyingKeys } from "#core/parts.ts";
import { revokeToken } from "#core/sessions/revoke_token.ts";
import { REVOCATION_PATH } from "#entry/metadata.ts";
import { OAuthError, oauthEndpoint } from "#entry/oauth_endpoint.ts";

export const handler = oauthEndpoint({
  name: "oauth_revocation",
  summary: "Signs out: revokes the session of a token, in the form of RFC 7009.",
  route: `POST ${REVOCATION_PATH}`,
  parts: { issuer, verifyingKeys },
  async run({ core, fields: { client_id: clientId, token }, call }) {
    if (clientId === undefined) throw new OAuthError("invalid_request", "The field client_id is missing.");
    if (!core.oauthClients.find(clientId)) throw new OAuthError("invalid_client", "The client is unknown.");
    if (token === undefined) throw new OAuthError("invalid_request", "The field token is missing.");
    const isOwn = await revokeToken(core, { token, clientId }, call);
    if (!isOwn) throw new OAuthError("unauthorized_client", "The token was issued to another client.");
  },
});
