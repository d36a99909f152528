import { createHash } from "node:crypto";
import { constantTimeEqual } from "#core/secrets.ts";

/**
 * Whether a verifier belongs to a challenge: unpadded base64url of its SHA-256 (RFC 7636 section 4.6), or the same in
 * hex as the published sample has it (contract 1.2).
 */
export function verifiesChallenge(codeVerifier: string, codeChallenge: string): boolean {
  const digest = createHash("sha256").update(codeVerifier).digest();
  const base64url = constantTimeEqual(digest.toString("base64url"), codeChallenge);
  const hex = constantTimeEqual(digest.toString("hex"), codeChallenge.toLowerCase());
  return base64url || hex;
}
