import * as openid from "openid-client";
import { clientSecretOf } from "#core/oauth/credentials.ts";
import type { ProviderProfile } from "#core/oauth/presets.ts";
import type { UsableProvider } from "#core/oauth/usable_provider.ts";
import { type Fetch, limitedFetch } from "#core/services/limited_fetch.ts";

/** Time for one request to a provider. The deadline of the call bounds them together. */
const LIMIT_MS = 3_000;

interface Opened {
  config: openid.Configuration;
  skew: number;
}

/**
 * The library's configuration of each provider. It is kept, because it holds the metadata, the keys of ID tokens, and that the issuer
 * of Microsoft depends on the tenant.
 */
export class ProviderConfigurations {
  readonly #opened = new Map<string, Opened>();
  readonly #now: () => Date;
  readonly #ask: openid.CustomFetch;

  constructor(now: () => Date, ask: Fetch = limitedFetch(LIMIT_MS)) {
    this.#now = now;
    this.#ask = ask as openid.CustomFetch;
  }

  /** @throws Error of the library if the metadata of the provider can't be read */
  async of(provider: UsableProvider): Promise<openid.Configuration> {
    // Seconds. Other than 0 only where the clock of a test is moved.
    const skew = Math.round((this.#now().getTime() - Date.now()) / 1000);
    const known = this.#opened.get(provider.id);
    if (known?.skew === skew) return known.config;
    const config = await this.#open(provider, skew);
    // Verifies signatures of ID tokens also where TLS alone proves their origin.
    openid.enableNonRepudiationChecks(config);
    this.#opened.set(provider.id, { config, skew });
    return config;
  }

  async #open({ profile, credentials }: UsableProvider, skew: number): Promise<openid.Configuration> {
    const metadata = {
      ...(profile.idTokenAlgorithm && { id_token_signed_response_alg: profile.idTokenAlgorithm }),
      [openid.clockSkew]: skew,
    };
    const { clientId } = credentials;
    const authenticate: openid.ClientAuth = (_server, _client, body) => {
      body.set("client_id", clientId);
      body.set("client_secret", clientSecretOf(credentials, profile.issuer, this.#now()));
    };
    // Only a provider on this machine has no TLS: an app file can't name another one without it.
    const isPlain = new URL(profile.issuer).protocol === "http:";
    if (!profile.endpoints)
      return openid.discovery(new URL(profile.issuer), clientId, metadata, authenticate, {
        [openid.customFetch]: this.#ask,
        execute: isPlain ? [openid.allowInsecureRequests] : [],
      });
    const config = new openid.Configuration(serverOf(profile), clientId, metadata, authenticate);
    config[openid.customFetch] = this.#ask;
    if (isPlain) openid.allowInsecureRequests(config);
    return config;
  }
}

function serverOf({ issuer, endpoints }: ProviderProfile): openid.ServerMetadata {
  if (!endpoints) throw new Error("the provider has no endpoints");
  return {
    issuer,
    authorization_endpoint: endpoints.authorization,
    token_endpoint: endpoints.token,
    ...(endpoints.userinfo && { userinfo_endpoint: endpoints.userinfo }),
    ...(endpoints.jwks && { jwks_uri: endpoints.jwks }),
  };
}
