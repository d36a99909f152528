import { object, optional, string } from "zod/mini";
import {
  asJson,
  CAPTCHA,
  EMAIL,
  EMAIL_OR_PHONE,
  FLAG,
  isOn,
  NOT_FOUND,
  PHONE,
  SET_COOKIE,
  TOKENS,
  toIdentifier,
} from "#adapters/service_authentication/answers.ts";
import { adapterRoute } from "#entry/adapter_declaration.ts";
import { handler as authenticateUser } from "#methods/2026-12-01/sign_in/authenticate_user.ts";
import { handler as sendOtp } from "#methods/2026-12-01/sign_in/send_otp.ts";

/** Codes by SMS and mail. */
export const codeRoutes = [
  adapterRoute({
    verb: "POST",
    path: "/otp/send",
    summary: "Sends a code by mail or SMS, with which a person signs in.",
    method: sendOtp,
    credential: "none",
    request: object({ ...EMAIL_OR_PHONE, captcha_token: optional(string()) }),
    fields: { email: EMAIL, phone: PHONE, captcha_token: CAPTCHA },
    toMethod: ({ captcha_token, ...person }, client_id) => ({
      ...{ client_id, ...toIdentifier(person), captcha_token },
    }),
    answer: "`nonce`, `expires_at` and `resend_at`, whether or not a user has the address or number.",
    toAnswer: ({ nonce, expires_at, resend_at }) => asJson({ nonce, expires_at, resend_at }),
    errors: {},
  }),
  adapterRoute({
    verb: "POST",
    path: "/otp/verify",
    summary: "Signs in with a code. If the address or number has no user, Nest creates one.",
    method: authenticateUser,
    credential: "none",
    request: object({ nonce: string(), code: string(), setCookie: FLAG }),
    fields: {
      nonce: "The nonce of the request for the code.",
      code: "The six digits.",
      setCookie: SET_COOKIE,
    },
    toMethod: ({ nonce, code, setCookie }, client_id, { client }) => ({
      ...{ client_id, grant_type: "otp", nonce, code },
      set_cookie: isOn(setCookie) ?? client.cookies.enabled,
    }),
    answer: TOKENS,
    toAnswer: asJson,
    errors: { verification_not_found: NOT_FOUND },
  }),
];
