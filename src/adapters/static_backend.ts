/**
 * The user API of StaticBackend: passwords, sessions, magic links, and the users of an account. Programs that were written for it call
 * Nest with another base URL. `docs/adapters/static_backend.md` is generated from this table.
 */
import { accountRoutes } from "#adapters/static_backend/account_routes.ts";
import { signInRoutes } from "#adapters/static_backend/sign_in_routes.ts";
import { adapter } from "#entry/adapter.ts";

const NO_SECOND_STEP = "This user signs in with a second step, which this program can't ask for.";

export const handler = adapter({
  name: "static_backend",
  summary: "Serves the user API of StaticBackend.",
  clientHeader: "sb-public-key",
  grants: ["otp_link", "password"],
  settings: { registrationMode: "immediate", linkQuery: "code_and_email" },
  headers: ["authorization", "content-type", "sb-public-key"],
  toError: ({ text }) => ({ contentType: "text/plain; charset=utf-8", body: text }),
  errors: {
    client_not_found: [401, "The public key is missing or unknown."],
    grant_not_allowed: [403, "The client of this public key may not do this."],
    mfa_required: [403, NO_SECOND_STEP],
    mfa_enrollment_required: [403, NO_SECOND_STEP],
    unauthorized: [401, "The session token is missing, invalid or expired."],
    access_denied: [403, "You may not do this."],
    body_missing: [400, "The body could not be read, or a field is missing."],
    body_too_large: [400, "The body is too large."],
    malformed_json: [400, "The body could not be read, or a field is missing."],
    validation_failed: [400, "The body could not be read, or a field is missing."],
    not_found: [404, "There is no such path."],
    method_not_supported: [405, "This path does not support the method."],
    password_not_acceptable: [400, "The password is too short, too common or known from a breach."],
    rate_limited: [429, "Too many requests. Try again later."],
    unavailable: [503, "The service is unavailable. Try again."],
  },
  otherError: "Something went wrong.",
  routes: [...signInRoutes, ...accountRoutes],
});
