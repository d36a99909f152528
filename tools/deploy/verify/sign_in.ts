import { createHash, randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { Secret, TOTP } from "otpauth";
import app from "#app";
import { ask, call } from "#tools/deploy/verify/calls.ts";
import type { Rehearsal } from "#tools/deploy/verify/rehearsal.ts";
import { CLIENT, PROVIDER } from "#tools/deploy/verify/verified_app.ts";
import { addressOf, logInAndConsent, type OidcProvider } from "#tools/local/oidc_provider.ts";
import { sampleClient } from "#tools/stage/sample_client.ts";

type Deployment = Pick<Rehearsal, "api" | "ses">;

/** What a client sends to redeem a code. */
interface Redemption {
  client_id: string;
  grant_type: "authorization_code";
  redirect_uri: string;
  code: string;
  code_verifier: string;
}

const STATE = "verify";
const V1 = "/1/2020-12-14/";
const V3 = "/1/2026-12-01/";

const OWN_CLIENT = sampleClient(app);
const ADDED_CLIENT = { clientId: CLIENT.id, redirectUri: CLIENT.redirectUris[0] };

/**
 * Signs a new user in through the deployed API: mails a link through SES, redeems its code for tokens, which the private
 * key signs, and gets the user with them, which the public key verifies.
 * @throws Error with the first unexpected response
 */
export async function signIn(deployment: Deployment): Promise<string> {
  const { url } = deployment.api;
  const redemption = await mailedLink(deployment, { ...OWN_CLIENT, address: newAddress(), version: V1 });
  const tokens = await call(url, `${V1}authenticate_user`, redemption);
  const user = await call(url, "/1/2021-10-06/get_user", { user_id: tokens.user_id }, tokens.access_token);
  requireEqual("the user of the tokens", user.id, tokens.user_id);
  return "mail, code, tokens, user";
}

/**
 * Signs a new user in with an account at the added provider: the provider's login and consent forms, the callback of the
 * deployed API, and the code that it returns to the client.
 * @throws Error with the first unexpected response
 */
export async function signInWithProvider(
  { api: { url }, settings }: Pick<Rehearsal, "api" | "settings">,
  provider: OidcProvider,
): Promise<string> {
  const { clientId: client_id, redirectUri: redirect_uri } = ADDED_CLIENT;
  const callback = `${settings.variables.ISSUER}/1/oauth/${PROVIDER.id}/callback`;
  provider.serve(callback);
  const { items } = await call(url, `${V3}list_oauth_providers`, { client_id });
  requireEqual("the providers", items.at(-1), { provider: PROVIDER.id, name: PROVIDER.name });
  const { verifier, challenge } = proofKey();
  const started = await call(url, `${V3}start_oauth`, {
    ...{ client_id, redirect_uri, provider: PROVIDER.id, state: STATE, ...challenge },
  });
  const login = randomName();
  const answer = new URL(await logInAndConsent(started.authorization_url, { login, callback }));
  const returned = await fetch(`${url}${answer.pathname}${answer.search}`, { redirect: "manual" });
  const location = returned.headers.get("location") ?? "";
  if (!location.startsWith(`${redirect_uri}?`))
    throw new Error(`The callback answered ${returned.status} ${location || (await returned.text())}`);
  const { code, state, ...others } = Object.fromEntries(new URL(location).searchParams);
  requireEqual("what the client gets", { state, others }, { state: STATE, others: {} });
  const tokens = await call(url, `${V3}authenticate_user`, {
    ...{ client_id, grant_type: "authorization_code", redirect_uri, code, code_verifier: verifier },
  });
  requireEqual("the authentication methods", tokens.amr, ["fed"]);
  const user = await call(url, `${V3}get_user`, {}, tokens.access_token);
  requireEqual("the user", [user.id, user.email], [tokens.user_id, addressOf(login)]);
  return "login, consent, callback, code, tokens, user";
}

/**
 * Signs a new user in with a link, adds an authenticator app, and signs in again: a link alone and a wrong code get no tokens.
 * @throws Error with the first unexpected response
 */
export async function signInWithFactor(deployment: Deployment): Promise<string> {
  const { url } = deployment.api;
  const address = newAddress();
  const link = () => mailedLink(deployment, { ...ADDED_CLIENT, address, version: V3 });
  const first = await call(url, `${V3}authenticate_user`, await link());
  const asked = { factor_type: "totp", confirm: true };
  const { factor_id, secret } = await call(url, `${V3}create_mfa_factor`, asked, first.access_token);
  const proof = { factor_id, code: codeOf(secret, 0) };
  await call(url, `${V3}verify_mfa_factor`, proof, first.access_token);
  const refused = await ask(url, `${V3}authenticate_user`, await link());
  requireEqual("a link alone", [refused.status, refused.body.code], [403, "mfa_required"]);
  const { mfa_token } = refused.body.meta;
  const present = (code: string) => ({ client_id: CLIENT.id, grant_type: "mfa", mfa_token, factor_id, code });
  // A step works once. The code of the next step is accepted now, and still if that step begins in the meantime.
  const right = codeOf(secret, 1);
  const wrong = String((Number(right) + 1) % 1_000_000).padStart(6, "0");
  const failed = await ask(url, `${V3}authenticate_user`, present(wrong));
  requireEqual("a wrong code", failed.body.code, "mfa_failed");
  const tokens = await call(url, `${V3}authenticate_user`, present(right));
  requireEqual("whether amr has mfa", tokens.amr.includes("mfa"), true);
  const user = await call(url, `${V3}get_user`, {}, tokens.access_token);
  requireEqual("the user", [user.id, user.email], [first.user_id, address]);
  return "factor, refused link, refused code, code, tokens, user";
}

/** Asks for a magic link, and returns what redeems the one that arrives. */
async function mailedLink(
  { api, ses }: Deployment,
  asked: { clientId: string; redirectUri: string; address: string; version: string },
): Promise<Redemption> {
  const { clientId: client_id, redirectUri: redirect_uri, address } = asked;
  const { verifier, challenge } = proofKey();
  await call(api.url, `${asked.version}send_magic_link`, {
    ...{ client_id, redirect_uri, state: STATE, ...challenge },
    ...{ identifier_type: "email", identifier_value: address },
  });
  const mail = ses.inbox.findLast(({ to, text }) => to === address && text.includes("code="));
  const code = /code=([^&\s]+)/.exec(mail?.text ?? "")?.[1];
  if (!code) throw new Error("No mail with a code arrived.");
  return { client_id, grant_type: "authorization_code", redirect_uri, code, code_verifier: verifier };
}

/** A code verifier and its challenge (RFC 7636). */
function proofKey() {
  const verifier = randomBytes(32).toString("base64url");
  const code_challenge = createHash("sha256").update(verifier).digest("base64url");
  return { verifier, challenge: { code_challenge_method: "S256", code_challenge } };
}

const randomName = () => randomBytes(4).toString("hex");
const newAddress = () => `${randomName()}@example.com`;

/** Computes the code of an authenticator app. @param steps time steps from now */
const codeOf = (seed: string, steps: number): string =>
  new TOTP({ secret: Secret.fromBase32(seed) }).generate({ timestamp: Date.now() + steps * 30_000 });

function requireEqual(what: string, found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected))
    throw new Error(`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}
