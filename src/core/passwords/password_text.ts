import { minLength, refine, string } from "zod/mini";

/** The most characters of a password (NIST SP 800-63B-4, section 3.1.1.2, asks for 64 at least). */
export const PASSWORD_MAX_LENGTH = 128;

/** A longer text is not normalized: no password of 128 characters is typed with so many. */
const READ_LIMIT = 4096;

/**
 * A password in a request. Its length is judged by `checkPassword`, so that a long password gets an error which says so. A
 * NUL would end the password in some implementations of Argon2, and half a surrogate pair has no UTF-8 form.
 */
export function typedPassword() {
  return string().check(
    minLength(1),
    refine<string>((value) => value.isWellFormed(), "is not well-formed Unicode"),
    refine<string>((value) => !value.includes("\0"), "must not contain NUL"),
  );
}

/**
 * The form of a password that is hashed: keyboards and systems write the same character in different ways, and NFKC makes
 * them equal (NIST SP 800-63B-4, section 3.1.1.2). Nothing else is changed; spaces count.
 * @returns null if the password is longer than any that can be set
 */
export function normalizePassword(typed: string): string | null {
  if (typed.length > READ_LIMIT) return null;
  const normalized = typed.normalize("NFKC");
  return lengthOf(normalized) > PASSWORD_MAX_LENGTH ? null : normalized;
}

/** The length in code points. */
export const lengthOf = (text: string): number => [...text].length;
