import { maxLength, minLength, refine, string } from "zod/mini";
import { NestError } from "#core/errors.ts";

/** Longest string the wire takes where no other cap is named (contract 1.1). */
const TEXT_LIMIT = 512;
const TIME_LIMIT = 40;

/**
 * A non-empty string of at most `limit` characters. A string with half a surrogate pair is refused, because it would
 * be stored and put into a link as a replacement character.
 */
export function text(limit = TEXT_LIMIT) {
  return string().check(minLength(1), maxLength(limit), wellFormed());
}

/** Characters that move the cursor of a terminal or end a line. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** A name that other people read: one line of text, in a list, a mail or the terminal of an operator. */
export function nameText(limit: number) {
  return text(limit).check(refine((value) => !CONTROLS.test(value), "has control characters"));
}

/**
 * A non-empty email address as typed. `parseAddress` judges its length, so that a long address gets `invalid_email`,
 * for which the apps have a message (contract 1.7).
 */
export function typedAddress() {
  return string().check(minLength(1), wellFormed());
}

const isTime = (value: string) => /^\d{4}-\d\d-\d\d(T|$)/.test(value) && !Number.isNaN(Date.parse(value));

/** A date or a time of ISO 8601, in any time zone. */
export function typedTime() {
  return text(TIME_LIMIT).check(refine(isTime, "is not a date or a time of ISO 8601"));
}

/**
 * The error of a field whose value only the method can judge.
 * @param message what is wrong, for a developer
 */
export function invalidField(
  path: string[],
  message: string,
  name: "enum" | "format" | "required",
): NestError {
  const meta = { path, message, name };
  return new NestError("validation_failed", { meta, reasons: [{ code: "validation_failed", meta }] });
}

/**
 * The error of a body whose fields do not fit together.
 * @param message what it needs, for a developer
 */
export function invalidBody(message: string): NestError {
  const meta = { path: [], message, name: "required" };
  return new NestError("validation_failed", { meta, reasons: [{ code: "validation_failed", meta }] });
}

function wellFormed() {
  return refine<string>((value) => value.isWellFormed(), "is not well-formed Unicode");
}
