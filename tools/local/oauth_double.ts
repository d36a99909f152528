import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, systemClock } from "#core/clock.ts";
import { newSecret } from "#core/secrets.ts";
import { ArmedFault, readText, startDoubleServer } from "#tools/local/double_server.ts";
import { postingPage, signInPage } from "#tools/local/oauth_page.ts";

/** The credentials that the double accepts for every provider. */
export const LOCAL_OAUTH_CREDENTIALS = {
  clientId: "client_at_the_double",
  clientSecret: "oauth_secret_of_the_local_stack",
};

/** What is wrong with the answer of a provider. */
export const OAUTH_FAULTS = [
  "wrong_iss",
  "wrong_nonce",
  "no_nonce",
  "wrong_aud",
  "wrong_alg",
  "alg_none",
  "wrong_signature",
  "expired",
  "no_id_token",
  "no_subject",
  "no_email",
  "code_refused",
  "huge",
  "not_json",
  "redirect",
  "slow",
  "down",
  "none",
] as const;
export type OAuthFault = (typeof OAUTH_FAULTS)[number];

/** A person at the provider. */
export interface OAuthPerson {
  sub: string;
  email?: string | undefined;
  email_verified?: boolean | string;
  /** The organization whose account it is, at Google. Absent: that of the address's domain; null: none. */
  hd?: string | null;
  name?: string;
}

interface Visit {
  provider: string;
  person: OAuthPerson;
  nonce: string | null;
  challenge: string;
  redirectUri: string;
  isUsed: boolean;
}

/** What the browser brings back to the callback. */
export interface ProviderAnswer {
  url: string;
  /** The form that it posts; null: everything is in the query. */
  form: string | null;
}

/** How a visit ends: the person agrees, declines, or the answer names another issuer. */
export type VisitAnswer = "agreed" | "denied" | "wrong_iss";

export interface OAuthDouble {
  url: string;
  /**
   * Visits an authorization URL as a person who agrees at once.
   * @throws Error if the request lacks a parameter that each provider needs
   */
  visit(authorizationUrl: string, person: OAuthPerson, answered?: VisitAnswer): ProviderAnswer;
  /** Makes the next `calls` answers wrong. Zero calls or the kind `none` clears the fault. */
  fault(fault: { calls: number; kind: OAuthFault }): void;
  close(): Promise<void>;
}

const makeKeys = () => generateKeyPairSync("rsa", { modulusLength: 2048 });

const HUGE_BYTES = 1024 * 1024;
const BODY_LIMIT_BYTES = 16 * 1024;

/** Starts a double of all OAuth providers on loopback. The first segment of a path names the provider, which is an issuer of its own. */
export async function startOAuthDouble({
  clock = systemClock,
}: {
  clock?: Clock;
} = {}): Promise<OAuthDouble> {
  let keys: ReturnType<typeof makeKeys> | undefined;
  // Generated at the first use, because most tests use no provider and key generation is slow.
  const keysOf = () => {
    keys ??= makeKeys();
    return keys;
  };
  const visits = new Map<string, Visit>();
  const tokens = new Map<string, Visit>();
  const faults = new ArmedFault<OAuthFault>();
  const issuerOf = (provider: string) => `${server.url}/${provider}`;
  const authorize = (request: IncomingMessage, response: ServerResponse, provider: string) => {
    const asked = new URL(request.url ?? "/", server.url);
    const email = asked.searchParams.get("email");
    const type = { "content-type": "text/html; charset=utf-8" };
    const isDenied = asked.searchParams.get("answer") === "denied";
    if (email === null && !isDenied)
      return void response.writeHead(200, type).end(signInPage(provider, asked.searchParams));
    const verified = asked.searchParams.get("email_verified") === "true";
    // The subject is the address: at the double, each address is one person.
    const person = { sub: email?.toLowerCase() ?? "", email: email ?? "", email_verified: verified };
    const answer = double.visit(asked.href, person, isDenied ? "denied" : "agreed");
    if (answer.form !== null)
      return void response.writeHead(200, type).end(postingPage(answer.url, answer.form));
    response.writeHead(302, { location: answer.url }).end();
  };
  const server = await startDoubleServer(async (request, response) => {
    const [, provider = "", ...rest] = new URL(request.url ?? "/", "http://double").pathname.split("/");
    const resource = rest.join("/");
    if (resource === ".well-known/openid-configuration")
      return json(response, metadataOf(issuerOf(provider)));
    if (resource === "authorize") return authorize(request, response, provider);
    if (resource === "jwks") return json(response, { keys: [jwkOf(keysOf().publicKey)] });
    if (resource === "userinfo" || resource === "emails") {
      const visit = tokens.get((request.headers.authorization ?? "").replace(/^bearer /i, ""));
      if (!visit) return json(response, { error: "invalid_token" }, 401);
      const { sub, email, email_verified: verified, name } = visit.person;
      if (resource === "emails")
        return json(response, email ? [{ email, primary: true, verified: verified === true }] : []);
      return json(response, { sub, id: sub, email, email_verified: verified, name });
    }
    if (resource !== "token") return json(response, { error: "not_found" }, 404);
    const form = new URLSearchParams(await readText(request, BODY_LIMIT_BYTES));
    const fault = faults.take();
    if (fault === "slow") return;
    if (fault === "down") return void response.writeHead(503).end("unavailable");
    if (fault === "huge")
      return void response.writeHead(200, JSON_TYPE).end(`{"a":"${"a".repeat(HUGE_BYTES)}"}`);
    if (fault === "not_json") return void response.writeHead(200, JSON_TYPE).end("<html>");
    if (fault === "redirect")
      return void response.writeHead(302, { location: `${server.url}/x/token` }).end();
    const visit = takeVisit(visits, form, { provider, fault, request });
    if (!visit) return json(response, { error: "invalid_grant" }, 400);
    const accessToken = newSecret();
    tokens.set(accessToken, visit);
    const issued = { access_token: accessToken, token_type: "Bearer", expires_in: 300 };
    if (visit.nonce === null || fault === "no_id_token") return json(response, issued);
    const claims = claimsOf(visit, { issuer: issuerOf(provider), fault, now: clock.now() });
    json(response, { ...issued, id_token: idToken(claims, keysOf().privateKey, fault) });
  });
  const double: OAuthDouble = {
    url: server.url,
    visit(authorizationUrl, person, answered = "agreed") {
      const asked = new URL(authorizationUrl);
      const provider = asked.pathname.split("/")[1] ?? "";
      const visit = readVisit(asked.searchParams, provider, person);
      const code = newSecret();
      visits.set(code, visit);
      const answer = new URLSearchParams({
        ...{ state: requireParameter(asked.searchParams, "state") },
        ...(answered === "denied" ? { error: "access_denied" } : { code }),
        iss: answered === "wrong_iss" ? "https://other.example" : issuerOf(provider),
      });
      return toProviderAnswer(answer, visit, asked.searchParams.get("response_mode"));
    },
    fault: (fault) => faults.arm(fault),
    close: server.close,
  };
  return double;
}

/** What the browser brings to the callback: a query, or a form with the name that Apple adds. */
function toProviderAnswer(
  answer: URLSearchParams,
  { redirectUri, person }: Visit,
  mode: string | null,
): ProviderAnswer {
  const target = new URL(redirectUri);
  if (mode === "form_post") {
    const [firstName, lastName] = (person.name ?? "").split(" ");
    if (person.name) answer.set("user", JSON.stringify({ name: { firstName, lastName } }));
    return { url: target.href, form: answer.toString() };
  }
  target.search = answer.toString();
  return { url: target.href, form: null };
}

const JSON_TYPE = { "content-type": "application/json" };
const json = (response: ServerResponse, value: unknown, status = 200): void =>
  void response.writeHead(status, JSON_TYPE).end(JSON.stringify(value));

function requireParameter(parameters: URLSearchParams, name: string): string {
  const value = parameters.get(name);
  if (value === null) throw new Error(`the authorization request has no ${name}`);
  return value;
}

function readVisit(asked: URLSearchParams, provider: string, person: OAuthPerson): Visit {
  if (requireParameter(asked, "client_id") !== LOCAL_OAUTH_CREDENTIALS.clientId)
    throw new Error("unknown client_id");
  if (requireParameter(asked, "response_type") !== "code") throw new Error("response_type is not code");
  if (requireParameter(asked, "code_challenge_method") !== "S256")
    throw new Error("code_challenge_method is not S256");
  const challenge = requireParameter(asked, "code_challenge");
  const isOpenId = (asked.get("scope") ?? "").split(" ").includes("openid");
  const nonce = isOpenId ? requireParameter(asked, "nonce") : null;
  return {
    provider,
    person,
    nonce,
    challenge,
    redirectUri: requireParameter(asked, "redirect_uri"),
    isUsed: false,
  };
}

/** Uses up the code of a token request, if every check of a provider passes. */
function takeVisit(
  visits: ReadonlyMap<string, Visit>,
  form: URLSearchParams,
  { provider, fault, request }: { provider: string; fault: OAuthFault; request: IncomingMessage },
): Visit | null {
  const visit = visits.get(form.get("code") ?? "");
  const verifier = createHash("sha256")
    .update(form.get("code_verifier") ?? "")
    .digest("base64url");
  const isValid =
    request.method === "POST" &&
    form.get("grant_type") === "authorization_code" &&
    form.get("client_id") === LOCAL_OAUTH_CREDENTIALS.clientId &&
    form.get("client_secret") === LOCAL_OAUTH_CREDENTIALS.clientSecret &&
    visit?.provider === provider &&
    visit.challenge === verifier &&
    visit.redirectUri === form.get("redirect_uri");
  if (!isValid || visit.isUsed || fault === "code_refused") return null;
  visit.isUsed = true;
  return visit;
}

function claimsOf(
  { person, nonce, provider }: Visit,
  { issuer, fault, now }: { issuer: string; fault: OAuthFault; now: Date },
): Record<string, unknown> {
  const iat = Math.floor(now.getTime() / 1000) - (fault === "expired" ? 7200 : 0);
  const { email, hd = email?.split("@")[1], ...others } = person;
  return {
    ...others,
    ...(provider === "google" && hd && { hd }),
    ...(fault !== "no_email" && email !== undefined && { email }),
    ...(fault === "no_subject" && { sub: "" }),
    iss: fault === "wrong_iss" ? "https://other.example" : issuer,
    aud: fault === "wrong_aud" ? "another_client" : LOCAL_OAUTH_CREDENTIALS.clientId,
    ...(fault === "no_nonce" ? {} : { nonce: fault === "wrong_nonce" ? "another" : nonce }),
    ...{ iat, exp: iat + 3600 },
  };
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

function idToken(claims: object, key: KeyObject, fault: OAuthFault): string {
  const alg = fault === "alg_none" ? "none" : fault === "wrong_alg" ? "RS512" : "RS256";
  const signing = `${encode({ alg, kid: "double" })}.${encode(claims)}`;
  if (alg === "none") return `${signing}.`;
  const signature = sign(alg === "RS512" ? "sha512" : "sha256", Buffer.from(signing), key);
  if (fault === "wrong_signature") signature.writeUInt8(signature.readUInt8(0) ^ 1, 0);
  return `${signing}.${signature.toString("base64url")}`;
}

const jwkOf = (key: KeyObject) => ({
  ...key.export({ format: "jwk" }),
  kid: "double",
  alg: "RS256",
  use: "sig",
});

const metadataOf = (issuer: string) => ({
  ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
  ...{ userinfo_endpoint: `${issuer}/userinfo`, jwks_uri: `${issuer}/jwks` },
  ...{ response_types_supported: ["code"], subject_types_supported: ["public"] },
  id_token_signing_alg_values_supported: ["RS256"],
  code_challenge_methods_supported: ["S256"],
  authorization_response_iss_parameter_supported: true,
});
