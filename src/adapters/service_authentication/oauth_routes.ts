import { object, optional, string } from "zod/mini";
import { asJson } from "#adapters/service_authentication/answers.ts";
import { type Answered, adapterRoute, type RequestContext } from "#entry/adapter_declaration.ts";
import { handler as linkOauth } from "#methods/2026-12-01/oauth/link_oauth.ts";
import { handler as startOauth } from "#methods/2026-12-01/oauth/start_oauth.ts";
import { handler as authenticateUser } from "#methods/2026-12-01/sign_in/authenticate_user.ts";

const PROVIDER = "The id of the provider, such as `google`.";
const IN_PATH = `${PROVIDER} In the path.`;
const HINT = "The address with which the provider can prefill its sign-in page.";

const callbackOf = (baseUrl: string, provider: string) => `${baseUrl}/oauth/${provider}/callback`;

interface Begun {
  provider: string;
  intent?: string | undefined;
  login_hint?: string | undefined;
}

const startBody = (
  { provider, intent, login_hint }: Begun,
  client_id: string,
  { baseUrl, visit }: RequestContext,
) => ({
  ...{ client_id, provider, intent, login_hint, redirect_uri: callbackOf(baseUrl, provider) },
  ...{ state: visit?.state, code_challenge_method: "S256", code_challenge: visit?.challenge },
});

const BEGIN = {
  verb: "GET",
  path: "/oauth/{provider}",
  visit: "begin",
  method: startOauth,
  answer:
    "302 to the provider. A program that asks for `application/json` gets 200 with `authorization_url` and `expires_at`, and opens the URL itself.",
  toAnswer: ({ authorization_url, expires_at }: Answered, { wantsJson }: { wantsJson: boolean }) => ({
    ...asJson({ authorization_url, expires_at }),
    ...(wantsJson ? {} : { location: String(authorization_url) }),
  }),
  errors: { provider_not_found: "There is no such provider." },
} as const;

/** Accounts at OAuth providers. */
export const oauthRoutes = [
  adapterRoute({
    ...BEGIN,
    when: "intent",
    summary: "Sends the browser to an OAuth provider, to link an account to the user of the session.",
    credential: "caller",
    request: object({ provider: string(), intent: string(), login_hint: optional(string()) }),
    fields: { provider: IN_PATH, intent: "`link`.", login_hint: HINT },
    toMethod: startBody,
  }),
  // A link from the client's page has the cookie of an earlier session, which must not keep anybody from signing in.
  adapterRoute({
    ...BEGIN,
    summary: "Sends the browser to an OAuth provider, to sign in.",
    credential: "none",
    request: object({ provider: string(), login_hint: optional(string()) }),
    fields: { provider: IN_PATH, login_hint: HINT },
    toMethod: startBody,
  }),
  adapterRoute({
    verb: "GET",
    path: "/oauth/{provider}/callback",
    visit: "end",
    summary: "Receives the browser from the provider. Not meant to be called directly.",
    method: authenticateUser,
    credential: "none",
    request: object({
      ...{ provider: string(), state: string(), code: optional(string()), error: optional(string()) },
    }),
    fields: {
      provider: IN_PATH,
      state: "The state of the visit.",
      code: "The code of Nest's own callback.",
      error: "Why the visit failed.",
    },
    toMethod: ({ provider, code }, client_id, { baseUrl, visit }) => ({
      ...{ client_id, grant_type: "authorization_code", code, code_verifier: visit?.verifier },
      ...{ redirect_uri: callbackOf(baseUrl, provider), set_cookie: true },
    }),
    answer: `302 to the client's page. After a sign-in, the tokens are in cookies. To link an account, the query has \`provider\` and \`code\` for \`POST /oauth/link\`. After a failure, the query has \`error\`; after \`mfa_required\`, the fragment also has \`mfa_token\` and \`factors\`.`,
    toAnswer: asJson,
    errors: {
      verification_not_found:
        "This browser did not begin this sign-in, or has begun another one since. Begin again.",
    },
  }),
  adapterRoute({
    verb: "POST",
    path: "/oauth/link",
    visit: "link",
    summary:
      "Links the account of a provider to the user of the session, after `GET /oauth/{provider}?intent=link`.",
    method: linkOauth,
    credential: "session",
    request: object({ provider: string(), code: string() }),
    fields: { provider: PROVIDER, code: "The code with which the browser came back." },
    toMethod: ({ provider, code }, client_id, { baseUrl, visit }) => ({
      ...{ client_id, code, code_verifier: visit?.verifier, redirect_uri: callbackOf(baseUrl, provider) },
    }),
    answer: "`oauth_identity`.",
    toAnswer: asJson,
    errors: {
      oauth_identity_taken: "Another user has this account.",
      verification_not_found: "This browser did not begin to link an account. Begin again.",
    },
  }),
];
