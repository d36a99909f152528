import { randomInt } from "node:crypto";
import { rateLimitVariables } from "#core/rate_limits/limits.ts";
import { constantTimeEqual, hmacHex } from "#core/secrets.ts";

/** The digits of a code. */
export const CODE_LENGTH = 6;

export const codeVariables = { RATE_LIMIT_KEY: rateLimitVariables.RATE_LIMIT_KEY };

/**
 * Generates codes of six digits and checks them. A code is stored as an HMAC, so that a reader of the database can't find it
 * by trying all codes. The key is that of the rate limits, with a label of its own. If the key is replaced, codes that are not used
 * yet stop working.
 */
export class CodeKey {
  readonly #key: string;
  constructor(key: string) {
    this.#key = key;
  }

  /** A new code, with leading zeros. */
  newCode(): string {
    return String(randomInt(10 ** CODE_LENGTH)).padStart(CODE_LENGTH, "0");
  }

  /** The hash of a code that is stored. Equal codes of two verifications have different hashes. */
  hash(verificationId: string, code: string): string {
    return hmacHex(this.#key, "code", verificationId, code);
  }

  /**
   * Whether a presented code is the code of a verification. Takes the same time for every wrong code.
   * @param codeHash null if no code was sent
   */
  matches(verificationId: string, presented: string, codeHash: string | null): boolean {
    return codeHash !== null && constantTimeEqual(this.hash(verificationId, presented), codeHash);
  }
}
