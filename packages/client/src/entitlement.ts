/** What a good entitlement says. */
export interface Entitlement {
  userId: string;
  sessionId: string;
  /** The subscription's status when it was given. */
  status: string;
  /** Until when the app may work without asking. */
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
 * Verifies an entitlement of `get_subscription_status` without asking anybody (docs/entitlement.md). Keep the entitlement
 * and the keys, and an app can work offline until its end.
 * @param issuer where Nest says it is, such as `https://nest.getbeak.app`
 * @returns what it says, or null if it is not good, or no longer
 */
export async function verifyEntitlement(
  entitlement: string,
  keys: KeySet,
  { issuer, clientId, now = new Date() }: { issuer: string; clientId: string; now?: Date },
): Promise<Entitlement | null> {
  try {
    const [head = "", body = "", signature = "", ...rest] = entitlement.split(".");
    const header = objectOf(head);
    const isOurs = rest.length === 0 && header.alg === "ES256" && header.typ === "entitlement+jwt";
    if (!isOurs || !(await isSigned(keys, header.kid, `${head}.${body}`, signature))) return null;
    const { iss, aud, sub, sid, status, exp } = objectOf(body);
    const isFor = iss === issuer && aud === clientId && typeof exp === "number" && exp * 1000 > now.getTime();
    if (!isFor) return null;
    return {
      userId: String(sub),
      sessionId: String(sid),
      status: String(status),
      until: new Date(exp * 1000),
    };
  } catch {
    return null; // not base64url, not JSON, no such curve: not an entitlement
  }
}
