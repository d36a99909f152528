import { type Environment, readConfig } from "#core/config.ts";
import type { Foundation, Part } from "#core/core.ts";
import { oauthVariables } from "#core/oauth/credentials.ts";
import { OAuthProviders } from "#core/oauth/oauth_providers.ts";
import { VisitKey, visitKeyVariables } from "#core/oauth/visit_secrets.ts";

/** Asks OAuth providers who a person is. */
export const oauthProviders = {
  variables: oauthVariables,
  open(environment: Environment, { core }: Foundation) {
    const { OAUTH_CREDENTIALS, OAUTH_PROVIDERS_URL: standIn } = readConfig(oauthVariables, environment);
    return OAuthProviders.of(core.app.oauthProviders, OAUTH_CREDENTIALS, {
      now: () => core.clock.now(),
      standIn: core.stage === "local" ? standIn : undefined,
    });
  },
} satisfies Part<OAuthProviders>;

/** Derives the secrets of visits at OAuth providers. */
export const visitKey = {
  variables: visitKeyVariables,
  open: (environment: Environment) => new VisitKey(readConfig(visitKeyVariables, environment).RATE_LIMIT_KEY),
} satisfies Part<VisitKey>;
