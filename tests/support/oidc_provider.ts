import type { App } from "#core/app/app.ts";
import type { OidcProvider } from "#tools/local/oidc_provider.ts";

/** The id of the certified provider in the app file. */
export const CERTIFIED = "certified";

/** An app whose only OAuth provider is the certified one, and the settings that make Nest use it instead of the double. */
export function withOidcProvider(
  app: App,
  { issuer, credentials }: OidcProvider,
): { app: App; settings: Record<string, string> } {
  const provider = { id: CERTIFIED, name: "Certified", preset: "oidc", issuer, trustEmail: true } as const;
  return {
    app: { ...app, oauthProviders: [provider] },
    settings: {
      OAUTH_PROVIDERS_URL: "",
      OAUTH_CREDENTIALS: JSON.stringify({ [CERTIFIED]: credentials }),
    },
  };
}
