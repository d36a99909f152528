import { type CountryCode, parsePhoneNumberFromString } from "libphonenumber-js/max";
import { NestError } from "#core/errors.ts";
import { NOT_A_PHONE_NUMBER, NOT_MOBILE } from "#core/users/identifier_messages.ts";

/** A phone number that can receive SMS. */
export interface Phone {
  /** E.164: `+`, the country code and the number. It identifies the user and receives the SMS. */
  identity: string;
  /** ISO 3166-1, such as `SG`. */
  country: CountryCode;
}

/** White space, and characters without width at the edges, which are copied along with a number. */
const INVISIBLE_EDGES = /^[\s\p{Cf}]+|[\s\p{Cf}]+$/gu;
/** ASCII digits, at most one plus sign at the start, and what people put between digits. */
const WRITTEN = /^\+?[0-9][0-9 ().-]*$/;
/** A longer text is no phone number: E.164 has at most 15 digits. */
const READ_LIMIT = 64;

const invalid = (message: string) => new NestError("invalid_identifier", { meta: { message } });

/**
 * Parses a typed phone number with its country code, with or without a plus sign. It must be an assigned number that can
 * be a mobile phone: an SMS to another number costs money and reaches nobody.
 * @throws NestError invalid_identifier
 */
export function parsePhone(typed: string): Phone {
  if (typed.length > READ_LIMIT) throw invalid(NOT_A_PHONE_NUMBER);
  const trimmed = typed.replace(INVISIBLE_EDGES, "");
  if (!WRITTEN.test(trimmed)) throw invalid(NOT_A_PHONE_NUMBER);
  // Without a plus sign, libphonenumber-js reads a number as a local one.
  const number = parsePhoneNumberFromString(`+${trimmed.replace(/[^0-9]/g, "")}`);
  if (!number?.isValid() || number.country === undefined) throw invalid(NOT_A_PHONE_NUMBER);
  const type = number.getType();
  // In North America, mobile and landline numbers have the same form.
  if (type !== "MOBILE" && type !== "FIXED_LINE_OR_MOBILE") throw invalid(NOT_MOBILE);
  return { identity: number.number, country: number.country };
}
