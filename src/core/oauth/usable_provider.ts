import type { OAuthProvider } from "#core/app/oauth_providers.ts";
import type { OAuthCredentials } from "#core/oauth/credentials.ts";
import { type ProviderProfile, profileOf } from "#core/oauth/presets.ts";

/** A provider that people can use: the app names it, and its credentials are configured. */
export interface UsableProvider extends Pick<OAuthProvider, "id" | "name"> {
  profile: ProviderProfile;
  credentials: OAuthCredentials;
}

/**
 * The providers of an app whose credentials are configured.
 * @param doubleUrl the base URL of a double of every provider
 */
export function usableProvidersOf(
  providers: readonly OAuthProvider[],
  credentials: Readonly<Record<string, OAuthCredentials>>,
  doubleUrl: string | undefined,
): UsableProvider[] {
  return providers.flatMap((provider): UsableProvider[] => {
    const held = Object.hasOwn(credentials, provider.id) ? credentials[provider.id] : undefined;
    const { id, name } = provider;
    return held ? [{ id, name, profile: profileOf(provider, doubleUrl), credentials: held }] : [];
  });
}

/** What ties one visit at a provider to its answer. */
export interface VisitSecrets {
  state: string;
  /** OpenID Connect Core, section 3.1.2.1. */
  nonce: string;
  /** RFC 7636. Only the token request shows it. */
  codeVerifier: string;
}
