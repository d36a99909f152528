import { boolean, object, optional, string, union } from "zod/mini";

/** The answer of a method, with the names that the method gives. */
export const asJson = (value: unknown) => ({ contentType: "application/json", body: JSON.stringify(value) });

/** A boolean. In a query it is text. */
export const FLAG = optional(union([boolean(), string()]));

/** @returns undefined if the request has no such field */
export const isOn = (flag: boolean | string | undefined): boolean | undefined =>
  flag === undefined ? undefined : flag === true || flag === "true";

/** The fields that name a person. A request has one of them. */
export const EMAIL_OR_PHONE = { email: optional(string()), phone: optional(string()) };

/** The identifier that a request names. `phone` counts only without `email`; without both, the method says what is missing. */
export const toIdentifier = ({ email, phone }: { email?: string | undefined; phone?: string | undefined }) =>
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

/** The token of a link, and whether the tokens go into cookies. */
export const WITH_TOKEN = object({ token: string(), setCookie: FLAG });

export const NOT_FOUND = "The link or code is wrong, used or expired. Ask for another one.";
