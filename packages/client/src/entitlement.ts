/** The claims of a valid entitlement. */
export interface Entitlement {
  userId: string;
  sessionId: string;
  /** The subscription's status when the entitlement was issued. */
  status: string;
  /** When the entitlement expires. Until then the app may work offline. */
  until: Date;
}

/** A set of public keys, as `NestClient.keys` reads it (RFC 7517). */
export interface KeySet {
  keys: readonly { kid?: string; kty?: string; crv?: string; x?: string; y?: string }[];
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const objectOf = (part: string): Record<string, unknown> =>
  Object(JSON.parse(new TextDecoder().decode(bytesOf(part))));

async function isSigned(keys: KeySet, kid: unknown, signed: string, signature: string): Promise<boolean> {
  const key = keys.keys.find((candidate) => candidate.kid === kid);
  if (!key) return false;
  const { kty, crv, x, y } = key;
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const jwk = { kty, crv, x, y };
  const publicKey = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
  return crypto.subtle.verify(
    { name: "ECDSA", hash: "SHA-256" },
    publicKey,
    bytesOf(signature),
    new TextEncoder().encode(signed),
  );
}

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
    const [head = "", body = "", signature = "", ...rest] = entitlement.split(".");
    const header = objectOf(head);
    const isEntitlement = rest.length === 0 && header.alg === "ES256" && header.typ === "entitlement+jwt";
    if (!isEntitlement || !(await isSigned(keys, header.kid, `${head}.${body}`, signature))) return null;
    const { iss, aud, sub, sid, status, exp } = objectOf(body);
    const isValid =
      iss === issuer && aud === clientId && typeof exp === "number" && exp * 1000 > now.getTime();
    if (!isValid) return null;
    return {
      userId: String(sub),
      sessionId: String(sid),
      status: String(status),
      until: new Date(exp * 1000),
    };
  } catch {
    return null; // The text is not base64url or JSON, or the key has another curve.
  }
}
