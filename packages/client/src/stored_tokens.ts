import { hasFields } from "./answers.ts";
import { CallFailure, ErrorAnswer } from "./errors.ts";
import type { Responses } from "./methods.ts";

/** The response to a sign-in or a refresh. */
export type Tokens = Omit<Responses["authenticate_user"], "refresh_token"> & { refresh_token: string };

/**
 * The tokens of a response. This client asks for no cookies, so a response without a refresh token is not from Nest.
 * @throws CallFailure unexpected_answer
 */
export function requireTokens(answer: Responses["authenticate_user"]): Tokens {
  const { refresh_token } = answer;
  if (refresh_token) return { ...answer, refresh_token };
  throw new CallFailure("authenticate_user", "unexpected_answer", { status: 200 });
}

/** Tokens as they are stored. */
export interface StoredTokens extends Tokens {
  /** The state of the magic link that signed in. A link that is handed over again is recognized by it. */
  link_state?: string | undefined;
}

/** Codes after which a refresh token can never be used again. Other errors are temporary. */
const FINAL_CODES = /^((authorization_)?not_found|token_\w+|malformed_refresh_token)$/;

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
