import { maxLength, minLength, string } from "zod/mini";

/** Longest string the wire takes where no other cap is named (contract 1.1). */
const TEXT_LIMIT = 512;

/** A non-empty string of at most `limit` characters. */
export function text(limit = TEXT_LIMIT) {
  return string().check(minLength(1), maxLength(limit));
}
