import { object, optional, string } from "zod/mini";
import {
  asJson,
  EMAIL,
  MALFORMED,
  ofAddress,
  ofQueryAddress,
  WITH_PASSWORD,
} from "#adapters/static_backend/answers.ts";
import { adapterRoute } from "#entry/adapter_declaration.ts";
import { handler as createPasswordReset } from "#methods/2026-12-01/passwords/create_password_reset.ts";
import { handler as resetPassword } from "#methods/2026-12-01/passwords/reset_password.ts";
import { handler as authenticateUser } from "#methods/2026-12-01/sign_in/authenticate_user.ts";
import { handler as registerUser } from "#methods/2026-12-01/sign_in/register_user.ts";
import { handler as sendOtp } from "#methods/2026-12-01/sign_in/send_otp.ts";

/** Programs send texts that they leave out as empty. */
const unlessEmpty = (text: string | undefined) => text || undefined;

const TOKEN = "The access token, a JSON string. It is valid as long as the client says, such as 12 hours.";
const NOT_SIGNED_IN = "The email address and the password do not sign anyone in.";
const NO_CODE = "The code is wrong, used or expired.";
const RESET_CODE = {
  method: createPasswordReset,
  credential: "bearer_key",
  toAnswer: ({ token }: Readonly<Record<string, unknown>>) => asJson(token),
  answer: "The code, a JSON string of letters and digits. Your program mails it; it works for 30 minutes.",
  errors: {
    invalid_identifier: [400, MALFORMED],
    user_not_found: [404, "invalid email: no user has this address."],
    unauthorized: [401, "The root token is missing or wrong."],
    access_denied: [401, "The root token is missing or wrong."],
  },
} as const;

/** Registration, sign-in and new passwords. */
export const signInRoutes = [
  adapterRoute({
    verb: "POST",
    path: "/register",
    summary: "Makes a user with an account, and signs them in.",
    method: registerUser,
    credential: "none",
    request: WITH_PASSWORD,
    fields: { email: EMAIL, password: "The password." },
    toMethod: ({ email, password }, client_id) => ({ client_id, ...ofAddress(email), password }),
    answer: TOKEN,
    toAnswer: ({ access_token }) => asJson(access_token),
    errors: {
      invalid_identifier: [400, MALFORMED],
      identifier_taken: [409, "invalid email: a user has this address."],
      registration_disabled: [403, "Registration is closed."],
    },
  }),
  adapterRoute({
    verb: "POST",
    path: "/login",
    summary: "Signs a user in with a password.",
    method: authenticateUser,
    credential: "none",
    request: WITH_PASSWORD,
    fields: { email: EMAIL, password: "The password." },
    toMethod: ({ email, password }, client_id) => ({
      ...{ client_id, grant_type: "password", ...ofAddress(email), password },
    }),
    answer: TOKEN,
    toAnswer: ({ access_token }) => asJson(access_token),
    errors: { invalid_credentials: [401, NOT_SIGNED_IN], invalid_identifier: [401, NOT_SIGNED_IN] },
  }),
  adapterRoute({
    ...RESET_CODE,
    verb: "POST",
    path: "/password/send",
    summary: "Creates a code with which a user chooses a new password.",
    request: object({ email: string() }),
    fields: { email: EMAIL },
    toMethod: ({ email }, client_id) => ({ client_id, ...ofAddress(email) }),
  }),
  adapterRoute({
    ...RESET_CODE,
    verb: "GET",
    path: "/password/resetcode",
    summary: "The same, as published programs call it.",
    request: object({ e: string() }),
    fields: { e: EMAIL },
    toMethod: ({ e }, client_id) => ({ client_id, ...ofQueryAddress(e) }),
  }),
  adapterRoute({
    verb: "POST",
    path: "/password/reset",
    summary: "Sets a new password with the code. Every session of the user ends.",
    method: resetPassword,
    credential: "none",
    request: object({ email: string(), code: string(), password: string() }),
    fields: { email: EMAIL, code: "The code.", password: "The new password." },
    toMethod: ({ email, code, password }, client_id) => ({
      ...{ client_id, token: code, identifier_value: email, password },
    }),
    answer: "`true`.",
    toAnswer: () => asJson(true),
    errors: { verification_not_found: [404, NO_CODE] },
  }),
  adapterRoute({
    verb: "POST",
    path: "/login/magic",
    summary: "Mails a link that signs its reader in.",
    method: sendOtp,
    credential: "internal_key",
    request: object({
      ...{ email: string(), link: optional(string()), fromEmail: optional(string()) },
      ...{ fromName: optional(string()), subject: optional(string()), body: optional(string()) },
    }),
    fields: {
      email: EMAIL,
      link: "A redirect URI of the client. Default: the first.",
      fromEmail: "The sender. This and the next three count if they equal a registered mail.",
      fromName: "The sender's name.",
      subject: "The subject.",
      body: "HTML with `[link]`.",
    },
    toMethod: ({ email, link, fromEmail, fromName, subject, body }, client_id) => ({
      ...{ client_id, ...ofAddress(email), delivery: "link", redirect_uri: unlessEmpty(link) },
      email: {
        ...{ from_email: unlessEmpty(fromEmail), from_name: unlessEmpty(fromName) },
        ...{ subject: unlessEmpty(subject), html_body: unlessEmpty(body) },
      },
    }),
    answer: "`true`, whether or not a user has the address.",
    toAnswer: () => asJson(true),
    errors: {
      invalid_identifier: [400, MALFORMED],
      invalid_redirect_uri: [400, "The link is not a page of this client."],
      sender_not_allowed: [403, "This client may not send from this address."],
      link_placeholder_missing: [400, "The body needs the placeholder [link]."],
      delivery_failed: [502, "The mail could not be sent."],
    },
  }),
  adapterRoute({
    verb: "GET",
    path: "/login/magic",
    summary: "Exchanges the code of a link for a token.",
    method: authenticateUser,
    credential: "none",
    request: object({ code: string(), email: string() }),
    fields: { code: "The code of the link.", email: "The address of the link." },
    toMethod: ({ code, email }, client_id) => ({
      ...{ client_id, grant_type: "otp", token: code, ...ofQueryAddress(email) },
    }),
    answer: TOKEN,
    toAnswer: ({ access_token }) => asJson(access_token),
    errors: { verification_not_found: [401, NO_CODE] },
  }),
];
