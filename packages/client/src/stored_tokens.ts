import { hasFields } from "./answers.ts";
import { CallFailure, ErrorAnswer } from "./errors.ts";
import type { Responses } from "./methods.ts";
import { randomString } from "./pkce.ts";

/** The response to a sign-in or a refresh. */
export type Tokens = Omit<Responses["authenticate_user"], "refresh_token"> & { refresh_token: string };

const IN_COOKIE = "cookie.";

/**
 * The tokens of a response. If they are in cookies, a new random text stands for both of them: the store has no secret, and
 * other clients of the store notice the refresh. A response with a refresh token where there should be none, or the reverse, is not
 * from Nest.
 * @throws CallFailure unexpected_answer
 */
export function requireTokens(answer: Responses["authenticate_user"], hasCookies: boolean): Tokens {
  const { refresh_token } = answer;
  if (hasCookies && refresh_token === null) {
    const mark = IN_COOKIE + randomString();
    return { ...answer, access_token: mark, refresh_token: mark };
  }
  if (refresh_token && !hasCookies) return { ...answer, refresh_token };
  throw new CallFailure("authenticate_user", "unexpected_answer", { status: 200 });
}

/**
 * The refresh token for the body of a request; undefined if it is in a cookie. Tokens that were stored before the app used cookies are
 * sent once more, and move into cookies.
 */
export const inBody = (refreshToken: string): string | undefined =>
  refreshToken.startsWith(IN_COOKIE) ? undefined : refreshToken;

/** Tokens as they are stored. */
export interface StoredTokens extends Tokens {
  /** The state of the magic link that signed in. A link that is handed over again is recognized by it. */
  link_state?: string | undefined;
}

/** Codes after which a refresh token can never be used again. Other errors are temporary. */
const FINAL_CODES = /^((authorization_)?not_found|token_\w+|malformed_refresh_token|refresh_token_missing)$/;

/** The tokens in a stored value, or null if there are none or the value is damaged. */
export function parseTokens(text: string | null): StoredTokens | null {
  try {
    const value = JSON.parse(text ?? "");
    return hasFields(value, "access_token refresh_token user_id client_id") ? value : null;
  } catch {
    return null;
  }
}

/**
 * Whether Nest rejected a refresh token for good. Every response of Nest has a request id. Without one, another server may
 * have returned a code such as `not_found`.
 */
export function isFinal(error: unknown): boolean {
  return error instanceof ErrorAnswer && error.requestId !== null && FINAL_CODES.test(error.code);
}
