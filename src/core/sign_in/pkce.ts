import { createHash } from "node:crypto";
import { constantTimeEqual } from "#core/secrets.ts";

/**
 * Checks a code verifier against its challenge: the unpadded base64url of its SHA-256 (RFC 7636 section 4.6), or the same
 * hash in hex, as in the published sample (contract 1.2).
 */
export function verifiesChallenge(codeVerifier: string, codeChallenge: string): boolean {
  const digest = createHash("sha256").update(codeVerifier).digest();
  const base64url = constantTimeEqual(digest.toString("base64url"), codeChallenge);
  const hex = constantTimeEqual(digest.toString("hex"), codeChallenge.toLowerCase());
  return base64url || hex;
}
