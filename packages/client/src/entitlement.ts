import { fromBase64url } from "./pkce.ts";

/** The claims of a valid entitlement. */
export interface Entitlement {
  userId: string;
  sessionId: string;
  /** The subscription's status when the entitlement was issued. */
  status: string;
  /** The id of the plan; null if it is not known, or if the entitlement is of a version before 2026-12-01. */
  plan: string | null;
  /** What the plan lets the user do. */
  features: readonly string[];
  /** When the entitlement expires. Until then the app may work offline. */
  until: Date;
}

/** A set of public keys, as `NestClient.keys` reads it (RFC 7517). */
export interface KeySet {
  keys: readonly { kid?: string; kty?: string; crv?: string; x?: string; y?: string }[];
}

const bytesOf = (base64url: string) =>
  Uint8Array.from(fromBase64url(base64url), (character) => character.charCodeAt(0));

const objectOf = (part: string): Record<string, unknown> =>
  Object(JSON.parse(new TextDecoder().decode(bytesOf(part))));

/**
 * Verifies an entitlement of `get_subscription_status` offline (docs/entitlement.md). An app that stores the entitlement and
 * the keys can work offline until the entitlement expires.
 * @param options.issuer the URL of Nest, such as `https://nest.getbeak.app`
 * @returns the claims, or null if the entitlement is invalid or expired
 */
export async function verifyEntitlement(
  entitlement: string,
  keys: KeySet,
  { issuer, clientId, now = new Date() }: { issuer: string; clientId: string; now?: Date },
): Promise<Entitlement | null> {
  try {
    const [head = "", body = "", signature = "", more] = entitlement.split(".");
    const header = objectOf(head);
    const key = keys.keys.find(({ kid }) => kid === header.kid);
    const isEntitlement = more === undefined && header.alg === "ES256" && header.typ === "entitlement+jwt";
    if (!isEntitlement || !key) return null;
    const { kty, crv, x, y } = key;
    const curve = { name: "ECDSA", namedCurve: "P-256" };
    const publicKey = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, curve, false, ["verify"]);
    const isSigned = await crypto.subtle.verify(
      { name: "ECDSA", hash: "SHA-256" },
      publicKey,
      bytesOf(signature),
      new TextEncoder().encode(`${head}.${body}`),
    );
    const { iss, aud, sub, sid, status, plan = null, features = [], exp } = objectOf(body);
    const isValid =
      isSigned && iss === issuer && aud === clientId && typeof exp === "number" && exp * 1000 > now.getTime();
    if (!isValid) return null;
    return {
      userId: sub as string,
      sessionId: sid as string,
      status: status as string,
      plan: plan as string | null,
      features: features as string[],
      until: new Date(exp * 1000),
    };
  } catch {
    return null; // The text is not base64url or JSON, or the key has another curve.
  }
}
