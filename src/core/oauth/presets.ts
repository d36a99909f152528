import type { OAuthPreset, OAuthProvider } from "#core/app/oauth_providers.ts";

/** Where a provider is, and how it identifies people. */
export interface ProviderProfile {
  /** The issuer identifier. With the subject, it is the key of an identity. */
  issuer: string;
  /** The endpoints; null: they are read from the issuer's metadata (OpenID Connect Discovery). */
  endpoints: { authorization: string; token: string; userinfo: string | null; jwks: string | null } | null;
  /** The algorithm of its ID tokens; null: it has none, and `userinfo` is asked who the person is. */
  idTokenAlgorithm: string | null;
  /** Where the addresses of a person are read, because `userinfo` does not say whether its address is verified. */
  emails: string | null;
  scopes: readonly string[];
  /** Whether the provider answers by a form that the browser posts. */
  isFormPost: boolean;
  /** Whether `email_verified` proves an address. */
  trustEmail: boolean;
  /**
   * Whether it proves only the addresses that the provider hosts: those of `gmail.com`, and those of accounts with the claim `hd`. Google
   * verified another address once, and it may belong to somebody else since.
   */
  provesHostedOnly: boolean;
}

const OIDC_SCOPES = ["openid", "email", "profile"];
const OIDC: Omit<ProviderProfile, "issuer" | "endpoints"> = {
  idTokenAlgorithm: "RS256",
  emails: null,
  scopes: OIDC_SCOPES,
  isFormPost: false,
  trustEmail: false,
  provesHostedOnly: false,
};
const PLAIN = { ...OIDC, idTokenAlgorithm: null, scopes: [] };

/** What each preset knows. `oidc` and `oauth2` are completed by the app file. */
const PRESETS: Readonly<Record<OAuthPreset, ProviderProfile>> = {
  google: {
    ...OIDC,
    issuer: "https://accounts.google.com",
    endpoints: {
      authorization: "https://accounts.google.com/o/oauth2/v2/auth",
      token: "https://oauth2.googleapis.com/token",
      userinfo: "https://openidconnect.googleapis.com/v1/userinfo",
      jwks: "https://www.googleapis.com/oauth2/v3/certs",
    },
    trustEmail: true,
    provesHostedOnly: true,
  },
  apple: {
    ...OIDC,
    issuer: "https://appleid.apple.com",
    endpoints: {
      authorization: "https://appleid.apple.com/auth/authorize",
      token: "https://appleid.apple.com/auth/token",
      userinfo: null,
      jwks: "https://appleid.apple.com/auth/keys",
    },
    scopes: ["openid", "email", "name"],
    isFormPost: true,
    trustEmail: true,
  },
  github: {
    ...PLAIN,
    issuer: "https://github.com/login/oauth",
    endpoints: {
      authorization: "https://github.com/login/oauth/authorize",
      token: "https://github.com/login/oauth/access_token",
      userinfo: "https://api.github.com/user",
      jwks: null,
    },
    emails: "https://api.github.com/user/emails",
    scopes: ["read:user", "user:email"],
    trustEmail: true,
  },
  // Any tenant: each tenant has an issuer of its own, which the metadata describes.
  microsoft: { ...OIDC, issuer: "https://login.microsoftonline.com/common/v2.0", endpoints: null },
  oidc: { ...OIDC, issuer: "", endpoints: null },
  oauth2: { ...PLAIN, issuer: "", endpoints: null },
};

/**
 * The profile of a provider of the app.
 * @param doubleUrl the base URL of a double of every provider, whose paths begin with the provider's id
 */
export function profileOf(provider: OAuthProvider, doubleUrl?: string): ProviderProfile {
  const preset = PRESETS[provider.preset];
  const endpoints = provider.endpoints ? { ...provider.endpoints, jwks: null } : preset.endpoints;
  const own: ProviderProfile = {
    ...preset,
    // A provider without OpenID Connect has no issuer identifier. Its token endpoint says whose subjects these are.
    issuer: provider.issuer ?? provider.endpoints?.token ?? preset.issuer,
    endpoints,
    idTokenAlgorithm: preset.idTokenAlgorithm && (provider.idTokenAlgorithm ?? preset.idTokenAlgorithm),
    scopes: provider.scopes ?? preset.scopes,
    trustEmail: provider.trustEmail ?? preset.trustEmail,
  };
  return doubleUrl === undefined ? own : atBaseUrl(own, `${doubleUrl}/${provider.id}`);
}

/** A profile with every address at one base URL. */
function atBaseUrl(profile: ProviderProfile, base: string): ProviderProfile {
  const { endpoints, emails } = profile;
  return {
    ...profile,
    issuer: base,
    endpoints: endpoints && {
      authorization: `${base}/authorize`,
      token: `${base}/token`,
      userinfo: endpoints.userinfo && `${base}/userinfo`,
      jwks: endpoints.jwks && `${base}/jwks`,
    },
    emails: emails && `${base}/emails`,
  };
}
