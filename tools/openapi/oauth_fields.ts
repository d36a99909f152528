import type { FieldDocumentation } from "#tools/openapi/field_documentation.ts";
import type { Schema } from "#tools/openapi/types.ts";

const ID = "oauthid_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp";
const CODE =
  "authzcode_2hF4hH2mK8sXq0Jd3VtYb7Lr9Pw.5f1c0d9a7b3e8264af90d1c2b3a4958677e8f9a0b1c2d3e4f5061728394a5b6c";
const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/**
 * Describes the fields of the methods about OAuth providers.
 * @param TIMESTAMP how a timestamp looks
 * @param redirectUri a sample of a redirect URI
 */
export const oauthFields = (TIMESTAMP: Schema, redirectUri: string): Record<string, FieldDocumentation> => {
  const at = (description: string): FieldDocumentation => ({
    ...{ description, example: "2026-03-14T09:26:53.589Z", narrows: TIMESTAMP },
  });
  const account = (path: string): Record<string, FieldDocumentation> => ({
    [`${path}.id`]: { description: "The id of the linked account.", example: ID },
    [`${path}.provider`]: { description: "The id of the provider in the app file.", example: "google" },
    [`${path}.email`]: {
      description:
        "The address that the provider named when the account was linked. It proves nothing later.",
      example: "ada@example.com",
    },
    [`${path}.linked_at`]: at("When the account was linked."),
    [`${path}.last_used_at`]: at("When the user last signed in with it."),
  });
  return {
    provider: { description: "The id of a provider, from `list_oauth_providers`.", example: "google" },
    "list_oauth_providers.items": {
      description: "The providers, in the order of the app file.",
    },
    "list_oauth_providers.items[].name": {
      description: "The name of the provider, for the button.",
      example: "Google",
    },
    intent: {
      description:
        "`sign_in`, the default: sign in or sign up. `link`: link an account to the signed-in user.",
      example: "sign_in",
      narrows: { enum: ["sign_in", "link"] },
    },
    login_hint: {
      description: "The address with which the provider can prefill its sign-in page.",
      example: "ada@example.com",
    },
    authorization_url: {
      description: "The page of the provider. Open it in the person's browser.",
      example: "https://accounts.google.com/o/oauth2/v2/auth?client_id=1",
    },
    "start_oauth.expires_at": at("Until when the person can come back from the provider: for 10 minutes."),
    "link_oauth.code": {
      description:
        "The `code` with which the person came back from the provider. It works once and expires after 5 minutes.",
      example: CODE,
    },
    "link_oauth.code_verifier": {
      description: "The random string whose hash was sent to `start_oauth` as `code_challenge` (RFC 7636).",
      example: VERIFIER,
    },
    ...Object.fromEntries(
      ["start_oauth", "link_oauth"].map((method) => [
        `${method}.redirect_uri`,
        {
          description:
            "Where the person comes back to. It must equal one of the client's redirect URIs exactly, and be the same in `start_oauth` and in the call that redeems the code.",
          example: redirectUri,
        },
      ]),
    ),
    oauth_identity: { description: "The linked account." },
    oauth_identity_id: {
      description: "The id of a linked account, from `list_oauth_identities`.",
      example: ID,
    },
    "list_oauth_identities.items": { description: "The linked accounts, the oldest first." },
    "unlink_oauth.removed_at": at("When the account was unlinked."),
    ...account("link_oauth.oauth_identity"),
    ...account("list_oauth_identities.items[]"),
  };
};
