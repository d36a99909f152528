import { NestError } from "#core/errors.ts";
import type { RefreshKeys } from "#core/keys/refresh_keys.ts";
import { hmacHex, newSecret } from "#core/secrets.ts";

/**
 * The stored inputs from which a refresh token's secret is derived again when a caller presents the old secret.
 * The secret itself is never stored.
 */
export interface SecretDerivation {
  /** 32 random bytes, hex. */
  salt: string;
  /** Id of the key in REFRESH_KEYS. */
  keyId: string;
}

/** A refresh token's two halves. */
export interface RefreshTokenParts {
  id: string;
  secret: string;
}

/** A derivation with a new salt and the newest key. */
export function newDerivation(refreshKeys: RefreshKeys): SecretDerivation {
  return { salt: newSecret(), keyId: refreshKeys.newest.id };
}

/**
 * Derives a refresh token: HMAC-SHA256 with one of the refresh keys (contract 1.2). The same arguments always give the
 * same token.
 * @param id the refresh token's id
 * @param presentedSecret the secret that the caller presented: of a magic link, or of the refresh token before this one
 * @throws NestError unavailable if REFRESH_KEYS has lost the key
 */
export function deriveRefreshToken(
  refreshKeys: RefreshKeys,
  { salt, keyId }: SecretDerivation,
  id: string,
  presentedSecret: string,
): RefreshTokenParts {
  const key = refreshKeys.find(keyId);
  // A key that was removed too early must not look like theft: the client keeps its tokens and retries.
  if (key === null)
    throw new NestError("unavailable", { detail: "REFRESH_KEYS lacks a key in use", retryAfterSeconds: 60 });
  return { id, secret: hmacHex(key, salt, presentedSecret, id) };
}

/** Splits `<version>.<id>.<secret>`; null if the text has another form. The version may be any text (contract B3). */
export function splitRefreshToken(refreshToken: string): RefreshTokenParts | null {
  const [version, id, secret, ...rest] = refreshToken.split(".");
  return version && id && secret && rest.length === 0 ? { id, secret } : null;
}
