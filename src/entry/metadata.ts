/** The path of the public keys. */
export const JWKS_PATH = "/.well-known/jwks.json";
/** The path of the metadata. The issuer has no path of its own, so nothing follows (RFC 8414 section 3.1). */
export const METADATA_PATH = "/.well-known/oauth-authorization-server";
/** The path of token revocation. */
export const REVOCATION_PATH = "/1/oauth/revoke";

/** Authorization server metadata (RFC 8414 section 2). */
export interface Metadata {
  issuer: string;
  jwks_uri: string;
  revocation_endpoint: string;
  revocation_endpoint_auth_methods_supported: readonly string[];
  response_types_supported: readonly string[];
  grant_types_supported: readonly string[];
  code_challenge_methods_supported: readonly string[];
}

/**
 * Describes Nest to a standard OAuth library, which can then verify and revoke tokens. There is neither an authorization endpoint
 * nor a token endpoint, since `authenticate_user` is none of RFC 6749. So no grant is named that uses an authorization endpoint, which
 * would then be required. Without any grant, a client would assume `authorization_code` and `implicit`. The response types are
 * required, and section 3.2 forbids an empty list.
 * @param issuer the origin of the API, without a slash at its end
 */
export const authorizationServerMetadata = (issuer: string): Metadata => ({
  issuer,
  jwks_uri: `${issuer}${JWKS_PATH}`,
  revocation_endpoint: `${issuer}${REVOCATION_PATH}`,
  // Clients are public: they send `client_id` and have no secret.
  revocation_endpoint_auth_methods_supported: ["none"],
  response_types_supported: ["code"],
  grant_types_supported: ["refresh_token"],
  code_challenge_methods_supported: ["S256"],
});
