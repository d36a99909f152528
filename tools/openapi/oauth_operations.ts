import { authorizationServerMetadata, JWKS_PATH, METADATA_PATH, REVOCATION_PATH } from "#entry/metadata.ts";
import { failures, json, success } from "#tools/openapi/responses.ts";
import type { Operation, PathItem, Schema } from "#tools/openapi/types.ts";

const ISSUER = "https://nest.example.com";

const DESCRIPTIONS = {
  issuer: "The claim `iss` of access tokens.",
  jwks_uri: "Where the public keys are.",
  revocation_endpoint: "Where tokens are revoked.",
  revocation_endpoint_auth_methods_supported: "Clients are public: they send `client_id` and no secret.",
  response_types_supported: "A magic link carries a code.",
  grant_types_supported:
    "The standard grants of `authenticate_user`, which is no token endpoint of the standard.",
  code_challenge_methods_supported: "How a code verifier is hashed.",
};

function metadataSchema(): Schema {
  const fields = Object.entries(authorizationServerMetadata(ISSUER)).map(([name, value]) => {
    const description = DESCRIPTIONS[name as keyof typeof DESCRIPTIONS];
    const form: Schema =
      typeof value === "string"
        ? { type: "string", description, examples: [value] }
        : { type: "array", description, items: { type: "string" }, examples: [value] };
    return [name, form];
  });
  return {
    type: "object",
    properties: Object.fromEntries(fields),
    required: Object.keys(DESCRIPTIONS),
    additionalProperties: false,
  };
}

const metadata: Operation = {
  operationId: "get_authorization_server_metadata",
  tags: ["Service"],
  summary: "Describes Nest to a standard OAuth library.",
  description: `Authorization server metadata (RFC 8414). A library that is given the issuer finds \`${JWKS_PATH}\` and \`${REVOCATION_PATH}\` by it, and can verify and revoke access tokens. It can't sign in: \`authenticate_user\` is no token endpoint of RFC 6749, so none is named.`,
  security: [{}],
  responses: { ...success(metadataSchema(), { names: ["cache-control"] }), ...failures(["unknown"]) },
};

const revocationRequest: Schema = {
  type: "object",
  properties: {
    token: {
      type: "string",
      description: "A refresh token or an access token.",
      examples: [
        "01.reftok_3MkWOqP0L1qJS4lbPHhBJcSPRY9.2999ebf1f6e5ee42a7009ea37267c43fb68042b7972e7ebbc477389cf197d2a2",
      ],
    },
    client_id: {
      type: "string",
      description: "The client to which the token was issued.",
      examples: ["client_000000C2kdCzNlbL1BqR5FeMatItU"],
    },
    token_type_hint: {
      type: "string",
      description: "Ignored: Nest sees which kind a token is.",
      examples: ["refresh_token"],
    },
  },
  required: ["token", "client_id"],
};

const refusal: Schema = {
  type: "object",
  properties: {
    error: {
      type: "string",
      enum: ["invalid_request", "invalid_client", "unauthorized_client"],
      description: "The error code of RFC 6749, section 5.2.",
      examples: ["invalid_client"],
    },
    error_description: {
      type: "string",
      description: "A sentence for the developer of the client.",
      examples: ["The client is unknown."],
    },
  },
  required: ["error", "error_description"],
  additionalProperties: false,
};

const HEADERS = Object.fromEntries(
  ["beak-time", "request-id"].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
);

const revocation: Operation = {
  operationId: "revoke_oauth_token",
  tags: ["Service"],
  summary: "Signs out: revokes the session of a token, in the form of RFC 7009.",
  description:
    "For standard OAuth libraries; other programs call `revoke_token`. The whole session ends, with all its tokens. An unknown, expired or revoked token gets 200 too.",
  security: [{}],
  requestBody: {
    required: true,
    content: {
      "application/x-www-form-urlencoded": json(revocationRequest)["application/json"],
    },
  },
  responses: {
    200: { description: "The token is no longer valid. The response has no body.", headers: HEADERS },
    400: {
      description:
        "The form can't be read or lacks a field, the client is unknown, or the token was issued to another client.",
      headers: HEADERS,
      content: json(refusal),
    },
    ...failures(["body_too_large", "unknown", "unavailable"]),
  },
};

/** The endpoints of OAuth standards. */
export const OAUTH_PATHS: Readonly<Record<string, PathItem>> = {
  [METADATA_PATH]: { get: metadata },
  [REVOCATION_PATH]: { post: revocation },
};
