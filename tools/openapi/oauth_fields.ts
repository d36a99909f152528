import type { FieldDocumentation } from "#tools/openapi/field_documentation.ts";
import type { Schema } from "#tools/openapi/types.ts";

const ID = "oauthid_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp";

/** Describes the fields of the methods about OAuth providers. @param TIMESTAMP how a timestamp looks */
export const oauthFields = (TIMESTAMP: Schema): Record<string, FieldDocumentation> => {
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
    "list_oauth_providers.items[].name": { description: "What people call the provider.", example: "Google" },
    intent: {
      description: "`sign_in`, the default, or `link`: link an account to the signed-in user.",
      example: "sign_in",
      narrows: { enum: ["sign_in", "link"] },
    },
    login_hint: { description: "The address that the provider may propose.", example: "ada@example.com" },
    authorization_url: {
      description: "The page of the provider. Open it in the person's browser.",
      example: "https://accounts.google.com/o/oauth2/v2/auth?client_id=1",
    },
    "start_oauth.expires_at": at("When the visit ends, 10 minutes later."),
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
