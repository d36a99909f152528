import { boolean, object, optional, string, union } from "zod/mini";

/** The answer of a method, with the names that the method gives. */
export const asJson = (value: unknown) => ({ contentType: "application/json", body: JSON.stringify(value) });

/** A field that a query has as text. */
export const FLAG = optional(union([boolean(), string()]));

/** @returns undefined if the request has no such field */
export const isOn = (flag: boolean | string | undefined): boolean | undefined =>
  flag === undefined ? undefined : flag === true || flag === "true";

/** An address or a number, of which a request has one. */
export const PERSON = { email: optional(string()), phone: optional(string()) };

/** The person whom a request names. A number is read if there is no address; without both, the method says what is missing. */
export const ofPerson = ({ email, phone }: { email?: string | undefined; phone?: string | undefined }) =>
  email === undefined && phone !== undefined
    ? { identifier_type: "phone", identifier_value: phone }
    : { identifier_type: "email", identifier_value: email };

export const EMAIL = "The email address.";
export const PHONE = "The phone number with its country code, in place of `email`.";
export const CAPTCHA = "The token of the CAPTCHA, if the client requires one.";
export const TOKENS =
  "The tokens: `access_token` (a JWT), `expires_in`, `refresh_token`, `user_id`, `session_id` and others. With cookies, `refresh_token` is `null`.";
export const SET_COOKIE =
  "Whether the tokens go into cookies. Default: yes, if the client has cookies (`cookies.enabled`).";
export const TOKEN_IN_PATH = "The token of the mail, in the path.";

/** Whether a program, an old link, or a page names it as text, a number. */
export const WITH_TOKEN = object({ token: string(), setCookie: FLAG });

export const NOT_FOUND = "The link or code is wrong, used or expired. Ask for another one.";
