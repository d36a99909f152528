import { DOMAIN_STARTS_WITH_DOT, MISSING_DOMAIN } from "#core/users/address.ts";

export const NOT_A_PHONE_NUMBER = "Not an assigned phone number with its country code";
export const NOT_MOBILE = "Not a mobile phone number";

/** The texts in `meta.message` of `invalid_identifier`. */
export const INVALID_IDENTIFIER_MESSAGES = [
  MISSING_DOMAIN,
  DOMAIN_STARTS_WITH_DOT,
  NOT_A_PHONE_NUMBER,
  NOT_MOBILE,
] as const;
