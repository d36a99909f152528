import * as openid from "openid-client";
import { NestError } from "#core/errors.ts";
import { ProviderConfigurations } from "#core/oauth/provider_configurations.ts";
import { type ProviderIdentity, readClaims, withPrimaryEmail } from "#core/oauth/provider_identity.ts";
import { askProvider, ProviderRefusal } from "#core/oauth/provider_refusal.ts";
import type { UsableProvider, VisitSecrets } from "#core/oauth/usable_provider.ts";
import type { Fetch } from "#core/services/limited_fetch.ts";

/** Asks the app's providers who a person is. */
export class OAuthProviders {
  readonly #usable: ReadonlyMap<string, UsableProvider>;
  readonly #configurations: ProviderConfigurations;

  /** @param ask sends the requests to providers. Default: over HTTPS, with limits of time and size */
  constructor(usable: readonly UsableProvider[], now: () => Date, ask?: Fetch) {
    this.#usable = new Map(usable.map((provider) => [provider.id, provider]));
    this.#configurations = new ProviderConfigurations(now, ask);
  }

  find(id: string): UsableProvider | null {
    return this.#usable.get(id) ?? null;
  }

  /** @throws NestError provider_not_found */
  require(id: string): UsableProvider {
    const found = this.find(id);
    if (!found) throw new NestError("provider_not_found");
    return found;
  }

  /**
   * The page of the provider where the person agrees.
   * @throws ProviderRefusal if the metadata of the provider can't be read
   */
  authorizationUrl(
    provider: UsableProvider,
    { state, nonce, codeVerifier }: VisitSecrets,
    { callback, loginHint }: { callback: string; loginHint?: string | undefined },
  ): Promise<string> {
    const { scopes, isFormPost, idTokenAlgorithm } = provider.profile;
    return askProvider(async () => {
      const config = await this.#configurations.of(provider);
      const challenge = await openid.calculatePKCECodeChallenge(codeVerifier);
      return openid.buildAuthorizationUrl(config, {
        ...{ redirect_uri: callback, state },
        ...(scopes.length > 0 && { scope: scopes.join(" ") }),
        ...(idTokenAlgorithm !== null && { nonce }),
        ...{ code_challenge: challenge, code_challenge_method: "S256" },
        ...(isFormPost && { response_mode: "form_post" }),
        ...(loginHint !== undefined && { login_hint: loginHint }),
      }).href;
    });
  }

  /**
   * Exchanges the code of the provider's answer, and reads who the person is. Checks `iss` of the answer (RFC 9207) and, of the ID
   * token, signature, algorithm, issuer, audience, times and nonce.
   * @param answered the callback with the parameters of the answer
   * @throws ProviderRefusal
   */
  identify(provider: UsableProvider, answered: URL, secrets: VisitSecrets): Promise<ProviderIdentity> {
    const { idTokenAlgorithm, issuer } = provider.profile;
    return askProvider(async () => {
      const config = await this.#configurations.of(provider);
      const tokens = await openid.authorizationCodeGrant(config, answered, {
        pkceCodeVerifier: secrets.codeVerifier,
        expectedState: secrets.state,
        ...(idTokenAlgorithm !== null && { expectedNonce: secrets.nonce, idTokenExpected: true }),
      });
      if (idTokenAlgorithm === null) return askUserinfo(provider, config, tokens.access_token);
      const claims: Readonly<Record<string, unknown>> = tokens.claims() ?? {};
      // Of a provider with many tenants, the issuer of the tenant.
      const identity = required(readClaims(String(claims.iss ?? issuer), claims));
      if (identity.email !== null || !config.serverMetadata().userinfo_endpoint) return identity;
      const more = await openid.fetchUserInfo(config, tokens.access_token, identity.subject);
      return required(readClaims(identity.issuer, more));
    });
  }
}

/** Asks a provider without ID tokens whose access token it is. */
async function askUserinfo(
  { profile: { issuer, emails, endpoints } }: UsableProvider,
  config: openid.Configuration,
  token: string,
): Promise<ProviderIdentity> {
  const read = async (from: string): Promise<unknown> => {
    const answer = await openid.fetchProtectedResource(config, token, new URL(from), "GET");
    if (!answer.ok) throw new ProviderRefusal("userinfo_refused", answer.status, answer.status >= 500);
    return answer.json();
  };
  if (!endpoints?.userinfo) throw new ProviderRefusal("no_userinfo", issuer);
  const answer = Object(await read(endpoints.userinfo)) as Readonly<Record<string, unknown>>;
  const identity = required(readClaims(issuer, answer));
  return emails === null ? identity : withPrimaryEmail(identity, await read(emails));
}

function required(identity: ProviderIdentity | null): ProviderIdentity {
  if (!identity) throw new ProviderRefusal("no_subject", null);
  return identity;
}
