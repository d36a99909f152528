/** Unpadded base64url (RFC 4648, section 5). */
export function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** The bytes of base64url or base64, as text. @throws DOMException if the text is neither */
export const fromBase64url = (text: string) => atob(text.replaceAll("-", "+").replaceAll("_", "/"));

/** A random string of 256 bits: a state, or a code verifier (RFC 7636, section 4.1). */
export function randomString(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** The S256 challenge of a code verifier (RFC 7636, section 4.2). */
export async function codeChallenge(codeVerifier: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(codeVerifier));
  return base64url(new Uint8Array(digest));
}
