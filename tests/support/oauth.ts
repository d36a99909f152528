import { createHash } from "node:crypto";
import type { OAuthProvider } from "#core/app/oauth_providers.ts";
import { appWithClients } from "#tests/support/app.ts";
import {
  MAC,
  REDIRECT,
  type Reply,
  type StartOptions,
  startNest,
  type TestNest,
} from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { LOCAL_OAUTH_CREDENTIALS, type OAuthPerson, type VisitAnswer } from "#tools/local/oauth_double.ts";

/** One provider of each kind. `own` is trusted, `foreign` is not. */
export const PROVIDERS: readonly OAuthProvider[] = [
  { id: "google", name: "Google", preset: "google" },
  { id: "apple", name: "Apple", preset: "apple" },
  { id: "github", name: "GitHub", preset: "github" },
  { id: "microsoft", name: "Microsoft", preset: "microsoft" },
  { id: "own", name: "Our directory", preset: "oidc", issuer: "https://id.acme.example", trustEmail: true },
  { id: "foreign", name: "Foreign", preset: "oidc", issuer: "https://id.foreign.example" },
  {
    ...{ id: "plain", name: "Plain", preset: "oauth2" },
    endpoints: {
      authorization: "https://plain.example/authorize",
      token: "https://plain.example/token",
      userinfo: "https://plain.example/userinfo",
    },
  },
];

/** Starts a Nest whose app has the providers, each of which is the double. */
export const startWithProviders = (options: StartOptions = {}): Promise<TestNest> =>
  startNest({
    app: {
      ...appWithClients({ id: MAC }, { id: "client_closed", registration: "closed" }),
      oauthProviders: PROVIDERS,
    },
    ...options,
    environment: {
      OAUTH_CREDENTIALS: JSON.stringify(
        Object.fromEntries(PROVIDERS.map(({ id }) => [id, LOCAL_OAUTH_CREDENTIALS])),
      ),
      ...options.environment,
    },
  });

export const VERIFIER = "a-code-verifier-that-is-long-enough-for-rfc-7636";
export const CLIENT_STATE = "state of the client";

/** The body of `start_oauth`. */
export const startBody = (change: Record<string, unknown> = {}) => ({
  ...{ client_id: MAC, provider: "google", redirect_uri: REDIRECT, state: CLIENT_STATE },
  code_challenge_method: "S256",
  code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
  ...change,
});

/** Where the callback sent the browser, or what it showed. */
export interface CallbackReply {
  status: number;
  location: string | null;
  code: string | null;
  error: string | null;
  state: string | null;
  text: string;
  headers: Record<string, string>;
}

/** Brings an answer to the callback. */
export async function callBack(
  nest: TestNest,
  { url, form }: { url: string; form: string | null },
): Promise<CallbackReply> {
  const { pathname, search } = new URL(url);
  const result = await nest.gateway.invoke({
    ...{ method: form === null ? "GET" : "POST", path: pathname, query: search.slice(1), ip: "203.0.113.9" },
    headers: form === null ? {} : { "content-type": "application/x-www-form-urlencoded" },
    body: form === null ? undefined : Buffer.from(form),
  });
  const headers = (result.headers ?? {}) as Record<string, string>;
  const location = headers.location ?? null;
  const parameters = location === null ? new URLSearchParams() : new URL(location).searchParams;
  return {
    ...{ status: result.statusCode ?? 0, location, headers, text: result.body ?? "" },
    code: parameters.get("code"),
    error: parameters.get("error"),
    state: parameters.get("state"),
  };
}

/** A visit from start to callback. */
export interface VisitOptions {
  start?: Record<string, unknown>;
  bearer?: string;
  answered?: VisitAnswer;
}

/** Starts a visit, agrees at the provider, and comes back. @throws Error if the visit can't be started */
export async function visit(
  nest: TestNest,
  person: OAuthPerson,
  { start = {}, bearer, answered }: VisitOptions = {},
): Promise<CallbackReply> {
  const started = await nest.call(
    `${V3}start_oauth`,
    startBody(start),
    bearer === undefined ? {} : { bearer },
  );
  if (started.status !== 200) throw new Error(started.raw);
  return callBack(nest, nest.oauth.visit(started.body.authorization_url, person, answered));
}

/** Redeems a code. */
export const redeem = (
  nest: TestNest,
  code: string | null,
  change: Record<string, unknown> = {},
): Promise<Reply> =>
  nest.call(`${V3}authenticate_user`, {
    ...{ client_id: MAC, grant_type: "authorization_code", code },
    ...{ redirect_uri: REDIRECT, code_verifier: VERIFIER, ...change },
  });

/** What a client presents with a code. */
export const REDEEM_FIELDS = { client_id: MAC, redirect_uri: REDIRECT, code_verifier: VERIFIER };

let people = 0;
/** A person at the double whom no other test has. */
export const newPerson = (change: Partial<OAuthPerson> = {}): OAuthPerson => {
  people++;
  const sub = `subject-${people}`;
  return { sub, email: `person.${people}@provider.example`, email_verified: true, name: "Ada", ...change };
};

/** A code with which the user of an access token can link an account. @param client other fields than those of the usual client */
export async function codeToLink(
  nest: TestNest,
  bearer: string,
  person = newPerson(),
  client: Record<string, unknown> = {},
): Promise<string> {
  const { code, error } = await visit(nest, person, { start: { intent: "link", ...client }, bearer });
  if (code === null) throw new Error(`the visit ended with ${error}`);
  return code;
}

/** Links an account to the user of an access token. @returns the id of the link */
export async function linkAccount(
  nest: TestNest,
  bearer: string,
  person = newPerson(),
  client: Record<string, unknown> = {},
): Promise<string> {
  const code = await codeToLink(nest, bearer, person, client);
  const reply = await nest.call(`${V3}link_oauth`, { ...REDEEM_FIELDS, ...client, code }, { bearer });
  if (reply.status !== 200) throw new Error(`link_oauth answered ${reply.status} ${reply.raw}`);
  return reply.body.oauth_identity.id;
}
