import { type Environment, readConfig } from "#core/config.ts";
import type { Foundation, Part } from "#core/core.ts";
import { oauthVariables } from "#core/oauth/credentials.ts";
import { OAuthProviders } from "#core/oauth/oauth_providers.ts";
import { type UsableProvider, usableProvidersOf } from "#core/oauth/usable_provider.ts";
import { VisitKey, visitKeyVariables } from "#core/oauth/visit_secrets.ts";

/** The OAuth providers that people can use. */
export const usableProviders = {
  variables: oauthVariables,
  open(environment: Environment, { core }: Foundation) {
    const { OAUTH_CREDENTIALS, OAUTH_PROVIDERS_URL } = readConfig(oauthVariables, environment);
    const doubleUrl = core.stage === "local" ? OAUTH_PROVIDERS_URL : undefined;
    return usableProvidersOf(core.app.oauthProviders, OAUTH_CREDENTIALS, doubleUrl);
  },
} satisfies Part<UsableProvider[]>;

/** Asks OAuth providers who a person is. */
export const oauthProviders = {
  variables: oauthVariables,
  open: (environment: Environment, foundation: Foundation) =>
    new OAuthProviders(usableProviders.open(environment, foundation), () => foundation.core.clock.now()),
} satisfies Part<OAuthProviders>;

/** Derives the secrets of visits at OAuth providers. */
export const visitKey = {
  variables: visitKeyVariables,
  open: (environment: Environment) => new VisitKey(readConfig(visitKeyVariables, environment).RATE_LIMIT_KEY),
} satisfies Part<VisitKey>;
