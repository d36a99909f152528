import { maxLength, minLength, refine, string } from "zod/mini";

/** Longest string the wire takes where no other cap is named (contract 1.1). */
const TEXT_LIMIT = 512;

/**
 * A non-empty string of at most `limit` characters. A string with half a surrogate pair is refused, because it would
 * be stored and put into a link as a replacement character.
 */
export function text(limit = TEXT_LIMIT) {
  return string().check(
    minLength(1),
    maxLength(limit),
    refine((value) => value.isWellFormed(), "is not well-formed Unicode"),
  );
}
