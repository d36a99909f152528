import { object, optional, string } from "zod/mini";
import {
  asJson,
  CAPTCHA,
  EMAIL,
  EMAIL_OR_PHONE,
  NOT_FOUND,
  PHONE,
  TOKEN_IN_PATH,
  toIdentifier,
} from "#adapters/service_authentication/answers.ts";
import { PASSWORD_PAGES, PROOF_PAGES } from "#adapters/service_authentication/pages.ts";
import { adapterRoute } from "#entry/adapter_declaration.ts";
import { handler as checkVerification } from "#methods/2026-12-01/identifiers/check_verification.ts";
import { handler as sendVerification } from "#methods/2026-12-01/identifiers/send_verification.ts";
import { handler as verifyIdentifier } from "#methods/2026-12-01/identifiers/verify_identifier.ts";
import { handler as resetPassword } from "#methods/2026-12-01/passwords/reset_password.ts";
import { handler as sendPasswordReset } from "#methods/2026-12-01/passwords/send_password_reset.ts";

const PROOF = {
  path: "/email/verify/{token}",
  method: verifyIdentifier,
  // The user's own session keeps what was set before the first proof.
  credential: "caller",
  request: object({ token: string() }),
  fields: { token: TOKEN_IN_PATH },
  toMethod: ({ token }: { token: string }, client_id: string) => ({ client_id, token }),
  answer: "`identifier`, with `verified_at`.",
  toAnswer: asJson,
  page: PROOF_PAGES,
  errors: {
    verification_not_found: NOT_FOUND,
    unauthorized: "The access token is invalid or expired. Log in and use the link again: it still works.",
  },
} as const;

/** New passwords, and the verification of addresses and numbers. */
export const proofRoutes = [
  adapterRoute({
    verb: "POST",
    path: "/password/forgot",
    summary: "Mails a link to choose a new password.",
    method: sendPasswordReset,
    credential: "none",
    request: object({ email: string(), captcha_token: optional(string()) }),
    fields: { email: EMAIL, captcha_token: CAPTCHA },
    toMethod: ({ email, captcha_token }, client_id, { baseUrl }) => ({
      ...{ client_id, identifier_type: "email", identifier_value: email },
      ...{ redirect_uri: baseUrl, captcha_token },
    }),
    answer: "`expires_at`, whether or not a user has the address.",
    toAnswer: ({ expires_at }) => asJson({ expires_at }),
    errors: {},
  }),
  adapterRoute({
    verb: "GET",
    path: "/password/reset/{token}",
    summary: "Says whether a link for a new password works, without using it up.",
    method: checkVerification,
    credential: "none",
    request: object({ token: string() }),
    fields: { token: TOKEN_IN_PATH },
    toMethod: ({ token }, client_id) => ({ client_id, token }),
    answer: "`valid` (`true`), `purpose` and `expires_at`. A browser gets a page that asks for the password.",
    toAnswer: asJson,
    page: PASSWORD_PAGES,
    errors: { verification_not_found: NOT_FOUND },
  }),
  adapterRoute({
    verb: "POST",
    path: "/password/reset/{token}",
    summary: "Sets a new password. Every session of the user ends.",
    method: resetPassword,
    credential: "none",
    request: object({ token: string(), password: string() }),
    fields: { token: TOKEN_IN_PATH, password: "The new password." },
    toMethod: ({ token, password }, client_id) => ({ client_id, token, password }),
    answer: "`user_id` and `sessions_revoked`. There are no tokens: the user logs in.",
    toAnswer: asJson,
    page: PASSWORD_PAGES,
    errors: { verification_not_found: NOT_FOUND },
  }),
  adapterRoute({
    verb: "POST",
    path: "/email/verify",
    when: "code",
    summary: "Verifies an address or number with the code of a message.",
    method: verifyIdentifier,
    credential: "none",
    request: object({ nonce: string(), code: string() }),
    fields: { nonce: "The nonce of the request for the code.", code: "The six digits." },
    toMethod: ({ nonce, code }, client_id) => ({ client_id, nonce, code }),
    answer: "`identifier`, with `verified_at`.",
    toAnswer: asJson,
    errors: { verification_not_found: NOT_FOUND },
  }),
  adapterRoute({
    verb: "POST",
    path: "/email/verify",
    summary: "Sends a link by mail, or a code by SMS, that verifies an address or number of the user.",
    method: sendVerification,
    credential: "session",
    request: object({ ...EMAIL_OR_PHONE, identifier_id: optional(string()) }),
    fields: {
      email: EMAIL,
      phone: `${PHONE} It gets a code.`,
      identifier_id: "The id of one of the user's own addresses or numbers, in place of `email`.",
    },
    toMethod: ({ identifier_id, ...person }, client_id, { baseUrl }) => ({
      ...{ client_id, delivery: "link", redirect_uri: baseUrl },
      ...(identifier_id === undefined ? toIdentifier(person) : { identifier_id }),
    }),
    answer: "`identifier_id`, `expires_at`, `resend_at`, and the `nonce` for a code.",
    toAnswer: asJson,
    errors: {},
  }),
  adapterRoute({ ...PROOF, verb: "GET", summary: "Verifies the address to which the link was mailed." }),
  adapterRoute({
    ...{ ...PROOF, verb: "POST", isBodyOptional: true },
    summary: "The same, as the page behind the link sends it.",
  }),
];
