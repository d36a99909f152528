/**
 * The API of service-authentication: registration, logins, links, codes, tokens, users, webhooks and the audit log in the style of REST.
 * Programs that were written for it call Nest with another base URL. `docs/adapters/service_authentication.md` is generated from
 * this table.
 */
import { codeRoutes } from "#adapters/service_authentication/code_routes.ts";
import { factorRoutes } from "#adapters/service_authentication/factor_routes.ts";
import { oauthRoutes } from "#adapters/service_authentication/oauth_routes.ts";
import { proofRoutes } from "#adapters/service_authentication/proof_routes.ts";
import { signInRoutes } from "#adapters/service_authentication/sign_in_routes.ts";
import { tokenRoutes } from "#adapters/service_authentication/token_routes.ts";
import { userRoutes } from "#adapters/service_authentication/user_routes.ts";
import { webhookRoutes } from "#adapters/service_authentication/webhook_routes.ts";
import { adapter } from "#entry/adapter.ts";

const NOT_READ = "The body could not be read, or a field is missing or wrong.";

export const handler = adapter({
  name: "service_authentication",
  summary: "Serves the API of service-authentication.",
  clientHeader: "x-client-id",
  isClientOptional: true,
  hasCookies: true,
  passesCaptcha: true,
  grants: ["mfa", "otp", "otp_link", "password"],
  settings: { linkQuery: "path" },
  headers: ["authorization", "content-type", "x-client-id"],
  toError: ({ text, error }) => ({
    contentType: "application/json",
    body: JSON.stringify({ ...error, message: text }),
  }),
  errors: {
    client_not_found: "The client is unknown. Name it in the header x-client-id.",
    unauthorized: "The access token is missing, invalid or expired.",
    access_denied: "You may not do this.",
    reauthentication_required: "Log in again first.",
    body_missing: NOT_READ,
    body_too_large: "The body is too large.",
    malformed_json: NOT_READ,
    validation_failed: NOT_READ,
    invalid_identifier: "The email address or the phone number is not valid.",
    password_not_acceptable: "The password is too short, too common or known from a breach.",
    mfa_required: "A second factor is needed. Present one of meta.factors with meta.mfa_token.",
    mfa_enrollment_required: "A second factor is required. Create one with meta.mfa_token.",
    captcha_required: "A CAPTCHA is required.",
    captcha_failed: "The CAPTCHA was not accepted.",
    not_found: "There is no such path.",
    method_not_supported: "This path does not support the method.",
    user_not_found: "There is no user with this id.",
    rate_limited: "Too many requests. Try again later.",
    unavailable: "The service is unavailable. Try again.",
    unknown: "Something went wrong.",
  },
  otherError: "The request was refused. The field code says why.",
  routes: [
    ...factorRoutes,
    ...signInRoutes,
    ...codeRoutes,
    ...proofRoutes,
    ...tokenRoutes,
    ...oauthRoutes,
    ...userRoutes,
    ...webhookRoutes,
  ],
});
