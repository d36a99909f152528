import type { ErrorCode } from "#core/errors.ts";
import type { Authorization } from "#core/repositories/authorizations.ts";
import { verifiesChallenge } from "#core/sign_in/pkce.ts";

/** What must fit a link beside its key. */
export interface PresentedCode {
  clientId: string;
  codeVerifier: string;
  redirectUri: string;
}

/** The first of a redemption's checks that fails, in the contract's order (B3), or null. */
export function firstMismatch(found: Authorization, presented: PresentedCode): ErrorCode | null {
  if (found.clientId !== presented.clientId) return "incorrect_client";
  if (found.redirectUri !== presented.redirectUri) return "incorrect_redirect_uri";
  if (!verifiesChallenge(presented.codeVerifier, found.codeChallenge)) return "incorrect_code_verifier";
  return null;
}
