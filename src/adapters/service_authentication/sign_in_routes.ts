import { object, optional, string } from "zod/mini";
import {
  asJson,
  CAPTCHA,
  EMAIL,
  FLAG,
  isOn,
  NOT_FOUND,
  SET_COOKIE,
  TOKEN_IN_PATH,
  TOKENS,
  WITH_TOKEN,
} from "#adapters/service_authentication/answers.ts";
import { SIGN_IN_PAGES } from "#adapters/service_authentication/pages.ts";
import { adapterRoute } from "#entry/adapter_declaration.ts";
import { handler as authenticateUser } from "#methods/2026-12-01/sign_in/authenticate_user.ts";
import { handler as registerUser } from "#methods/2026-12-01/sign_in/register_user.ts";
import { handler as sendOtp } from "#methods/2026-12-01/sign_in/send_otp.ts";

const NOT_SIGNED_IN = "The email address or the password is wrong.";

const MAGIC_LINK = {
  path: "/login/magic/{token}",
  method: authenticateUser,
  credential: "none",
  request: WITH_TOKEN,
  fields: { token: TOKEN_IN_PATH, setCookie: SET_COOKIE },
  answer: TOKENS,
  toAnswer: asJson,
  page: SIGN_IN_PAGES,
  errors: {
    verification_not_found: NOT_FOUND,
    cookies_not_enabled:
      "This browser can't keep you signed in. Open the link with the program that asked for it.",
  },
} as const;

type LinkRequest = { token: string; setCookie?: boolean | string | undefined };

const redeemLink = ({ token, setCookie }: LinkRequest, client_id: string, hasCookies: boolean) => ({
  ...{ client_id, grant_type: "otp", token, set_cookie: isOn(setCookie) ?? hasCookies },
});

/** Registration, login and magic links. */
export const signInRoutes = [
  adapterRoute({
    verb: "POST",
    path: "/register",
    summary: "Registers a user.",
    method: registerUser,
    credential: "none",
    request: object({
      email: string(),
      password: optional(string()),
      phone: optional(string()),
      name: optional(string()),
      captcha_token: optional(string()),
      options: optional(
        object({
          ...{ sendEmail: FLAG, sendSms: FLAG, setCookie: FLAG },
          ...{ sendResetEmail: FLAG, verifyEmail: FLAG },
        }),
      ),
    }),
    fields: {
      email: EMAIL,
      password: "The password. Without it, the user has no password until they choose one by a link.",
      phone: "The phone number with its country code.",
      name: "The user's name.",
      captcha_token: CAPTCHA,
      "options.sendEmail": "Sends a welcome mail.",
      "options.sendSms": "Sends a welcome SMS to `phone`. Ignored without `phone`.",
      "options.setCookie": "Puts the tokens into cookies. Default: no.",
      "options.sendResetEmail": "Sends a link to choose a password, if `password` is missing.",
      "options.verifyEmail": "Sends a code that verifies the address.",
    },
    toMethod: ({ email, password, phone, name, captcha_token, options = {} }, client_id, { baseUrl }) => ({
      ...{ client_id, identifier_type: "email", identifier_value: email, password, name },
      ...{ phone_number: phone, redirect_uri: baseUrl, captcha_token },
      options: {
        send_email: isOn(options.sendEmail),
        send_sms: phone === undefined ? undefined : isOn(options.sendSms),
        set_cookie: isOn(options.setCookie),
        send_reset_email: isOn(options.sendResetEmail),
        verify_email: isOn(options.verifyEmail),
      },
    }),
    answer:
      'The user\'s tokens, if the client has `registrationMode: "immediate"`. Else the tokens are `null`, and `verification` has the `nonce` for `POST /otp/verify`.',
    toAnswer: asJson,
    errors: {
      identifier_taken: "A user has this email address.",
      registration_disabled: "Registration is closed.",
    },
  }),
  adapterRoute({
    verb: "POST",
    path: "/login",
    summary: "Signs a user in with a password.",
    method: authenticateUser,
    credential: "none",
    request: object({
      ...{ email: string(), password: string(), captcha_token: optional(string()) },
      options: optional(object({ setCookie: FLAG })),
    }),
    fields: {
      email: EMAIL,
      password: "The password.",
      captcha_token: CAPTCHA,
      "options.setCookie": SET_COOKIE,
    },
    toMethod: ({ email, password, captcha_token, options }, client_id, { client }) => ({
      ...{ client_id, grant_type: "password", identifier_type: "email", identifier_value: email },
      ...{ password, captcha_token, set_cookie: isOn(options?.setCookie) ?? client.cookies.enabled },
    }),
    answer: TOKENS,
    toAnswer: asJson,
    errors: { invalid_credentials: NOT_SIGNED_IN, invalid_identifier: [401, NOT_SIGNED_IN] },
  }),
  adapterRoute({
    verb: "POST",
    path: "/login/magic",
    summary: "Mails a link that signs its reader in.",
    method: sendOtp,
    credential: "none",
    request: object({ email: string(), captcha_token: optional(string()) }),
    fields: { email: EMAIL, captcha_token: CAPTCHA },
    toMethod: ({ email, captcha_token }, client_id, { baseUrl }) => ({
      ...{ client_id, identifier_type: "email", identifier_value: email },
      ...{ delivery: "link", redirect_uri: baseUrl, captcha_token },
    }),
    answer: "`expires_at` and `resend_at`, whether or not a user has the address.",
    toAnswer: ({ expires_at, resend_at }) => asJson({ expires_at, resend_at }),
    errors: {},
  }),
  adapterRoute({
    ...MAGIC_LINK,
    verb: "GET",
    summary: "Signs in with the link of a mail.",
    toMethod: (asked, client_id, { client }) => redeemLink(asked, client_id, client.cookies.enabled),
  }),
  adapterRoute({
    ...MAGIC_LINK,
    verb: "POST",
    isBodyOptional: true,
    summary: "The same, as the page behind the link sends it.",
    toMethod: (asked, client_id, { client }) => redeemLink(asked, client_id, client.cookies.enabled),
  }),
];
