import { array, boolean, literal, nullable, number, optional, string } from "zod/mini";
import type { ErrorCode } from "#core/errors.ts";
import type { TokenPair } from "#core/sessions/issue_session.ts";

/** The fields of the response of `authenticate_user` (contract B3). */
export const tokenFields = {
  access_token: string(),
  token_type: literal("bearer"),
  expires_in: number(),
  expires_at: string(),
  refresh_token: string(),
  user_id: string(),
  client_id: string(),
};

/** The fields of the response since 2026-12-01. */
export const tokenFieldsOf2026 = {
  ...tokenFields,
  /** null if it is in a cookie, or if the session keeps the one that it has. */
  refresh_token: nullable(string()),
  session_id: string(),
  auth_time: string(),
  amr: array(string()),
};

/** Tokens of a sign-in, or of a step-up, which leaves the session its refresh token. */
export type IssuedTokens = Omit<TokenPair, "refreshToken"> & { refreshToken: string | null };

/** The parameter of sign-ins since 2026-12-01 that asks for cookies; absent: as the client's app file says. */
export const setCookie = optional(boolean());

/**
 * Translates tokens to the wire names of 2026-12-01.
 * @param isKept whether the refresh token is in a cookie, and not in the body
 */
export function tokensToWireOf2026(pair: IssuedTokens, isKept: boolean) {
  const { sessionId, authTime, amr } = pair;
  const refresh_token = isKept ? null : pair.refreshToken;
  const own = tokensToWire({ ...pair, refreshToken: "" });
  return { ...own, refresh_token, session_id: sessionId, auth_time: authTime, amr: [...amr] };
}

/** Translates tokens to wire names. */
export function tokensToWire(pair: TokenPair) {
  return {
    access_token: pair.accessToken,
    token_type: "bearer" as const,
    expires_in: pair.expiresIn,
    expires_at: pair.expiresAt,
    refresh_token: pair.refreshToken,
    user_id: pair.userId,
    client_id: pair.clientId,
  };
}

/** The errors of the grants since 2020-12-14. */
export const SIGN_IN_ERRORS = [
  "code_missing",
  "code_verifier_missing",
  "redirect_uri_missing",
  "refresh_token_missing",
  "malformed_code",
  "malformed_refresh_token",
  "not_found",
  "token_not_found",
  "token_used",
  "token_expired",
  "authorization_not_found",
  "incorrect_client",
  "incorrect_redirect_uri",
  "incorrect_code_verifier",
  "client_not_found",
  "mfa_required",
  "mfa_enrollment_required",
  "rate_limited",
] as const satisfies readonly ErrorCode[];
