/**
 * The API of Beep's backend-login: a code by SMS, then a token. Programs that were written for it call Nest with another base
 * URL. `docs/adapters/beep.md` is generated from this table.
 */
import { object, string } from "zod/mini";
import { adapter } from "#entry/adapter.ts";
import { adapterRoute } from "#entry/adapter_declaration.ts";
import { handler as authenticateUser } from "#methods/2026-12-01/sign_in/authenticate_user.ts";
import { handler as issueToken } from "#methods/2026-12-01/sign_in/issue_token.ts";
import { handler as sendOtp } from "#methods/2026-12-01/sign_in/send_otp.ts";

const asText = (text: unknown) => ({ contentType: "text/plain; charset=utf-8", body: String(text) });

const NOT_READ = "The body could not be read, or a required field is missing.";
const NO_CODE = "No open code has this nonce: it is unknown, wrong, used or expired.";
const NO_LOGIN =
  "There is no such path. On a test stage it needs an internal key in the header authorization.";
const DEVICE = "The id of the device, up to 128 characters. It becomes the claim `clientid`.";

const NO_SECOND_STEP = "This user signs in with a second step, which this program can't ask for.";

export const handler = adapter({
  name: "beep",
  summary: "Serves the API of Beep's backend-login.",
  grants: ["otp"],
  headers: ["content-type"],
  toError: ({ text }) => asText(text),
  errors: {
    body_missing: [400, NOT_READ],
    body_too_large: [400, "The body is too large."],
    malformed_json: [400, NOT_READ],
    validation_failed: [400, NOT_READ],
    mfa_required: [403, NO_SECOND_STEP],
    mfa_enrollment_required: [403, NO_SECOND_STEP],
    not_found: [404, "There is no such path."],
    method_not_supported: [405, "This path does not support the method."],
    rate_limited: [429, "Too many requests. Try again later."],
    unavailable: [503, "The service is unavailable. Try again."],
  },
  otherError: "Something went wrong.",
  routes: [
    adapterRoute({
      verb: "POST",
      path: "/init",
      summary: "Sends a code by SMS.",
      method: sendOtp,
      credential: "none",
      request: object({ phone_number: string() }),
      fields: { phone_number: "The phone number with its country code, with or without a plus sign." },
      toMethod: ({ phone_number }, client_id) => ({
        ...{ client_id, identifier_type: "phone", identifier_value: phone_number },
      }),
      answer: "The nonce, as text.",
      toAnswer: ({ nonce }) => asText(nonce),
      errors: {
        invalid_identifier: [400, "phone_number is not a valid phone number."],
        country_not_allowed: [400, "phone_number belongs to a country that gets no SMS."],
        delivery_failed: [500, "The SMS could not be sent."],
      },
    }),
    adapterRoute({
      verb: "POST",
      path: "/verify",
      summary: "Exchanges the code for a token. A person without a user gets one.",
      method: authenticateUser,
      credential: "none",
      request: object({ code: string(), nonce: string(), clientid: string() }),
      fields: {
        code: "The six digits of the SMS.",
        nonce: "The nonce of `/init`.",
        clientid: DEVICE,
      },
      toMethod: ({ code, nonce, clientid }, client_id) => ({
        ...{ client_id, grant_type: "otp", code, nonce, device: { device_id: clientid } },
      }),
      answer: "A JWT, as text, with the claims `userid` and `clientid`.",
      toAnswer: ({ access_token }) => asText(access_token),
      errors: {
        verification_not_found: [404, NO_CODE],
        not_found: [404, NO_CODE],
      },
    }),
    adapterRoute({
      verb: "POST",
      path: "/login",
      summary: "Issues a token for a test, without a code.",
      method: issueToken,
      credential: "local_key",
      request: object({ userid: string(), clientid: string() }),
      fields: { userid: "The id of an existing user.", clientid: DEVICE },
      toMethod: ({ userid, clientid }, client_id) => ({
        ...{ client_id, user_id: userid, device: { device_id: clientid } },
      }),
      answer: "A JWT, as text, with the claims `userid` and `clientid`.",
      toAnswer: ({ access_token }) => asText(access_token),
      errors: {
        method_disabled: [404, NO_LOGIN],
        user_not_found: [404, "There is no user with this userid."],
        access_denied: [404, NO_LOGIN],
        unauthorized: [404, NO_LOGIN],
      },
    }),
  ],
});
