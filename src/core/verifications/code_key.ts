import { randomInt } from "node:crypto";
import { rateLimitVariables } from "#core/rate_limits/limits.ts";
import { constantTimeEqual, hmacHex } from "#core/secrets.ts";

/** The digits of a code. */
export const CODE_LENGTH = 6;

/**
 * The characters of a user code (RFC 8628, section 6.1). No vowels, so that it spells no word, and none that look like
 * another: 0, 1, 2, 5, 8, I, L, O and U.
 */
const USER_CODE_CHARACTERS = "BCDFGHJKMNPQRSTVWXZ34679";
const USER_CODE_GROUP = 4;
const USER_CODE_LENGTH = 2 * USER_CODE_GROUP;

/** A user code as a mail shows it, in two groups. */
export const showUserCode = (code: string) =>
  `${code.slice(0, USER_CODE_GROUP)}-${code.slice(USER_CODE_GROUP)}`;

/** A user code as a person typed it, in the form that is compared: without spaces and dashes, in upper case. */
export const readUserCode = (typed: string) => typed.replace(/[\s\p{Pd}]+/gu, "").toUpperCase();

export const codeVariables = { RATE_LIMIT_KEY: rateLimitVariables.RATE_LIMIT_KEY };

/**
 * Generates codes and checks them. A code is stored as an HMAC, so that a reader of the database can't find it
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

  /** A new code of eight letters and digits. */
  newUserCode(): string {
    const character = () => USER_CODE_CHARACTERS.charAt(randomInt(USER_CODE_CHARACTERS.length));
    return Array.from({ length: USER_CODE_LENGTH }, character).join("");
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
