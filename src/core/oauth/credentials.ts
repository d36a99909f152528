import { createPrivateKey, sign } from "node:crypto";
import { _default, optional, type output, record, refine, strictObject, string, union } from "zod/mini";
import { json, localOnly, secret } from "#core/config.ts";
import { isLoopback } from "#core/services/aws.ts";

const filled = () => string().check(refine((value) => value !== "" && value.length <= 4096));

/** Of Apple: the client secret is a JWT that this key signs. */
const signed = strictObject({ clientId: filled(), teamId: filled(), keyId: filled(), privateKey: filled() });
const shared = strictObject({ clientId: filled(), clientSecret: filled() });
const credentials = union([shared, signed]);

export type OAuthCredentials = output<typeof credentials>;

export const oauthVariables = {
  /** The client id and secret at each provider, by the provider's id in the app file. */
  OAUTH_CREDENTIALS: secret(_default(json(record(string(), credentials)), {})),
  /** The base URL of a double of every provider, for tests. */
  OAUTH_PROVIDERS_URL: localOnly(
    optional(string().check(refine((value) => URL.canParse(value) && isLoopback(new URL(value))))),
  ),
};

/** Apple accepts up to six months; a secret is made for each request. */
const SECRET_SECONDS = 300;

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/**
 * The client secret of a request. Apple's is a short-lived ES256 JWT.
 * @param audience the issuer identifier of the provider
 */
export function clientSecretOf(held: OAuthCredentials, audience: string, now: Date): string {
  if ("clientSecret" in held) return held.clientSecret;
  const iat = Math.floor(now.getTime() / 1000);
  const claims = { iss: held.teamId, sub: held.clientId, aud: audience, iat, exp: iat + SECRET_SECONDS };
  const signing = `${part({ alg: "ES256", kid: held.keyId })}.${part(claims)}`;
  const key = createPrivateKey(held.privateKey);
  const signature = sign("sha256", Buffer.from(signing), { key, dsaEncoding: "ieee-p1363" });
  return `${signing}.${signature.toString("base64url")}`;
}
