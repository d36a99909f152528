import { _default, array, boolean, enum as oneOf, optional, strictObject } from "zod/mini";
import { filled, matches, webUrl } from "#core/app/app_fields.ts";

/** The kinds of provider. For `oidc` and `oauth2`, the app file has the URLs; the other presets know them. */
export const OAUTH_PRESETS = ["google", "apple", "github", "microsoft", "oidc", "oauth2"] as const;
export type OAuthPreset = (typeof OAUTH_PRESETS)[number];

/** The signature algorithms that an ID token may have. Each provider has exactly one (RFC 8725, section 3.1). */
export const ID_TOKEN_ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"] as const;

/** The endpoints of a provider without OpenID Connect. */
export interface OAuthEndpoints {
  authorization: string;
  token: string;
  userinfo: string;
}

/** An OAuth provider that people can sign in with. Its client id and secret are in `OAUTH_CREDENTIALS`. */
export interface OAuthProvider {
  /** Sent by clients as `provider`, part of the callback's path, and stored. It must never change. */
  id: string;
  /** The name that people see. */
  name: string;
  preset: OAuthPreset;
  /** For `oidc` only: the issuer identifier, which ID tokens must have as `iss`. Nest reads the metadata from there. */
  issuer?: string | undefined;
  /** For `oauth2` only. */
  endpoints?: OAuthEndpoints | undefined;
  scopes?: readonly string[] | undefined;
  /** The algorithm of its ID tokens. Absent: that of the preset, RS256 for `oidc`. */
  idTokenAlgorithm?: (typeof ID_TOKEN_ALGORITHMS)[number] | undefined;
  /** Whether `email_verified` of this provider proves an address. Default: true for Google (addresses that it hosts), Apple and GitHub. */
  trustEmail?: boolean | undefined;
}

export const oauthProvider = strictObject({
  id: matches(
    /^[a-z][a-z0-9_-]{0,39}$/,
    "must have 1 to 40 lower-case letters, digits, _ or -, and begin with a letter",
  ),
  name: filled(),
  preset: oneOf(OAUTH_PRESETS),
  issuer: optional(webUrl()),
  endpoints: optional(strictObject({ authorization: webUrl(), token: webUrl(), userinfo: webUrl() })),
  scopes: optional(array(matches(/^[!#-[\]-~]{1,200}$/, "must be a scope, such as email"))),
  idTokenAlgorithm: optional(oneOf(ID_TOKEN_ALGORITHMS)),
  trustEmail: optional(boolean()),
});

export const oauthProviders = _default(array(oauthProvider), []);

interface ProviderProblem {
  path: readonly PropertyKey[];
  rule: string;
}

/** What is wrong with a provider of an app file: fields that its preset needs, or that it does not have. */
export function oauthProviderProblems(provider: OAuthProvider, index: number): ProviderProblem[] {
  const { preset } = provider;
  const at = (field: string) => ["oauthProviders", index, field];
  const owners = { issuer: "oidc", endpoints: "oauth2" } as const;
  const wrong = (["issuer", "endpoints"] as const).flatMap((field): ProviderProblem[] => {
    const isOwn = preset === owners[field];
    if (isOwn && provider[field] === undefined)
      return [{ path: at(field), rule: `is missing, and the preset ${preset} needs it` }];
    if (!isOwn && provider[field] !== undefined)
      return [
        { path: at(field), rule: `is for the preset ${owners[field]} only. Remove it, or change the preset` },
      ];
    return [];
  });
  const hasNoIdToken = preset === "github" || preset === "oauth2";
  if (hasNoIdToken && provider.idTokenAlgorithm !== undefined)
    wrong.push({
      path: at("idTokenAlgorithm"),
      rule: `has no effect: ${preset} has no ID tokens. Remove it`,
    });
  if (preset === "oidc" && provider.issuer !== undefined && /[?#]/.test(provider.issuer))
    wrong.push({
      path: at("issuer"),
      rule: "must have no query and no fragment (OpenID Connect Discovery, section 4)",
    });
  if (provider.trustEmail && (preset === "microsoft" || preset === "oauth2"))
    wrong.push({
      path: at("trustEmail"),
      rule: `can't be true for ${preset}, because it lets people choose an address that they have not proved. Remove it`,
    });
  return wrong;
}
