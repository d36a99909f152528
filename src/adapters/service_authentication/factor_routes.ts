import { boolean, object, optional, string } from "zod/mini";
import { asJson, FLAG, isOn, SET_COOKIE, TOKENS } from "#adapters/service_authentication/answers.ts";
import { adapterRoute } from "#entry/adapter_declaration.ts";
import { handler as createMfaFactor } from "#methods/2026-12-01/mfa/create_mfa_factor.ts";
import { handler as removeMfaFactor } from "#methods/2026-12-01/mfa/remove_mfa_factor.ts";
import { handler as sendMfaCode } from "#methods/2026-12-01/mfa/send_mfa_code.ts";
import { handler as verifyMfaFactor } from "#methods/2026-12-01/mfa/verify_mfa_factor.ts";
import { handler as authenticateUser } from "#methods/2026-12-01/sign_in/authenticate_user.ts";

const FACTOR_ID = "The factor's id.";
const CODE = "The six digits.";
const MFA_TOKEN = "`meta.mfa_token` of the error `mfa_required`.";
const ENROLLMENT_TOKEN =
  "`meta.mfa_token` of the error `mfa_enrollment_required`, for a person who has no session yet.";
const NAME = "A name for the factor.";
const CONFIRM =
  "`true` adds the first factor, even if some programs of the app can't ask for it. Without it, such a call is refused with `mfa_confirmation_required`.";

const FEWER_PROGRAMS =
  "Some programs will no longer sign you in, because they can't ask for this second factor. Confirm to continue.";

const TOO_MANY = "You have too many second factors. Remove one first.";

/** What a person reads whose factor can't be added. */
const SETUP_ERRORS = {
  mfa_confirmation_required: FEWER_PROGRAMS,
  factor_type_not_allowed: "This kind of second factor is not offered.",
  factor_repeats_sign_in:
    "This second factor uses the same mailbox or number as your login. Add an authenticator app instead.",
  own_address_not_verified: "Verify your email address or phone number first.",
  too_many_factors: TOO_MANY,
  mfa_token_expired: "Log in again.",
};
const SETUP_FIELDS = { name: NAME, confirm: CONFIRM, enrollment_token: ENROLLMENT_TOKEN };
const SETUP = {
  name: optional(string()),
  confirm: optional(boolean()),
  enrollment_token: optional(string()),
};

type Setup = {
  name?: string | undefined;
  confirm?: boolean | undefined;
  enrollment_token?: string | undefined;
};

const setUp = (factor_type: string, { enrollment_token: mfa_token, ...asked }: Setup & object) => ({
  ...{ factor_type, ...asked, mfa_token },
});

/** The second step of a sign-in, with a code of a factor. @param path of the family of the factor */
const secondStep = (path: `/${string}`) =>
  adapterRoute({
    verb: "POST",
    path,
    when: "mfa_token",
    summary: "Completes a sign-in that needs a second factor.",
    method: authenticateUser,
    credential: "none",
    request: object({
      ...{ mfa_token: string(), factor_id: optional(string()), code: optional(string()) },
      ...{ recovery_code: optional(string()), setCookie: FLAG },
    }),
    fields: {
      mfa_token: MFA_TOKEN,
      factor_id: "The id of one of `meta.factors`.",
      code: CODE,
      recovery_code: "A recovery code, in place of `factor_id` and `code`.",
      setCookie: SET_COOKIE,
    },
    toMethod: ({ mfa_token, factor_id, code, recovery_code, setCookie }, client_id, { client }) => ({
      ...{ client_id, grant_type: "mfa", mfa_token, factor_id, code, recovery_code },
      set_cookie: isOn(setCookie) ?? client.cookies.enabled,
    }),
    answer: `${TOKENS} After a recovery code, \`recovery_codes_left\`.`,
    toAnswer: asJson,
    errors: { mfa_failed: "The code is wrong or was used.", mfa_token_expired: "Log in again." },
  });

/** The first code of a new factor. */
const enrolls = (path: `/${string}`, when?: string) =>
  adapterRoute({
    verb: "POST",
    path,
    ...(when === undefined ? {} : { when }),
    summary: "Activates a second factor with its first code. From then on every sign-in needs one.",
    method: verifyMfaFactor,
    credential: "caller",
    request: object({ factor_id: string(), code: string(), enrollment_token: optional(string()) }),
    fields: { factor_id: FACTOR_ID, code: CODE, enrollment_token: ENROLLMENT_TOKEN },
    toMethod: ({ factor_id, code, enrollment_token: mfa_token }) => ({ factor_id, code, mfa_token }),
    answer: "`factor`. For the first factor also ten `recovery_codes`, which no later response has.",
    toAnswer: asJson,
    errors: { mfa_failed: "The code is wrong or was used.", too_many_factors: TOO_MANY },
  });

const removes = (path: `/${string}`) =>
  adapterRoute({
    verb: "POST",
    path,
    summary: "Removes a second factor. The user must have presented one within the last 10 minutes.",
    method: removeMfaFactor,
    credential: "caller",
    request: object({ factor_id: string(), user_id: optional(string()), confirm: optional(boolean()) }),
    fields: {
      factor_id: FACTOR_ID,
      confirm:
        "`true` removes the factor, even if some programs of the app can't sign the user in afterwards. Without it, such a removal is refused with `mfa_confirmation_required`.",
      user_id:
        "The id of another user, such as a user who lost a device. Needs the capability `users.write`.",
    },
    toMethod: (asked) => asked,
    answer: "`removed_at`.",
    toAnswer: asJson,
    errors: {
      mfa_confirmation_required: FEWER_PROGRAMS,
      factor_repeats_sign_in:
        "The other factors use the same mailbox or number as your login. Remove them first.",
      mfa_required_by_policy: "A second factor is required. Add another one first.",
    },
  });

/** Second factors. The three families of the original are one resource. */
export const factorRoutes = [
  adapterRoute({
    verb: "POST",
    path: "/mfa/setup",
    summary: "Creates a second factor that gets codes by SMS, and sends its first code.",
    method: createMfaFactor,
    credential: "caller",
    request: object({ phone: string(), ...SETUP }),
    fields: { phone: "The phone number with its country code.", ...SETUP_FIELDS },
    toMethod: ({ phone, ...asked }) => ({ ...setUp("sms", asked), phone_number: phone }),
    answer: "`factor_id`, `hint` and `expires_at`.",
    toAnswer: ({ factor_id, hint, expires_at }) => asJson({ factor_id, hint, expires_at }),
    errors: { ...SETUP_ERRORS, country_not_allowed: "No SMS can be sent to numbers of this country." },
  }),
  secondStep("/mfa/verify"),
  enrolls("/mfa/verify"),
  removes("/mfa/remove"),
  adapterRoute({
    verb: "POST",
    path: "/authenticator/setup",
    summary: "Creates a second factor for an authenticator app.",
    method: createMfaFactor,
    credential: "caller",
    request: object(SETUP),
    isBodyOptional: true,
    fields: SETUP_FIELDS,
    toMethod: (asked) => setUp("totp", asked),
    answer: "`factor_id`, `secret`, `otpauth_uri`, `qr_code` (a data URI of a picture) and `expires_at`.",
    toAnswer: ({ hint: _none, passkey_options: _other, ...created }) => asJson(created),
    errors: SETUP_ERRORS,
  }),
  secondStep("/authenticator/verify"),
  enrolls("/authenticator/verify"),
  adapterRoute({
    verb: "POST",
    path: "/otp/send",
    when: "mfa_token",
    summary: "Sends a code to a second factor, to complete a sign-in.",
    method: sendMfaCode,
    credential: "none",
    request: object({ mfa_token: string(), factor_id: string() }),
    fields: { mfa_token: MFA_TOKEN, factor_id: "The id of one of `meta.factors`." },
    toMethod: (asked, client_id) => ({ client_id, ...asked }),
    answer: "`hint`, `expires_at` and `resend_at`.",
    toAnswer: asJson,
    errors: { mfa_token_expired: "Log in again." },
  }),
  secondStep("/otp/verify"),
  enrolls("/otp/verify", "factor_id"),
  removes("/otp/remove"),
];
