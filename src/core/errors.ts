/** Every error code of the API with its HTTP status and its description in the reference (contract 1.1). */
export const ERRORS = {
  validation_failed: [400, "The body does not match this method's schema."],
  body_missing: [400, "The call has no body."],
  malformed_json: [
    400,
    "The body is not JSON in UTF-8, or a call with cookies has another content type than `application/json`.",
  ],
  malformed_url: [400, "The path does not name a method."],
  invalid_email: [400, "The email address is invalid or cannot receive mail."],
  invalid_identifier: [400, "The email address or phone number is invalid, or cannot receive codes."],
  password_not_acceptable: [400, "The password cannot be set; `reasons` say why."],
  link_placeholder_missing: [400, "The mail has no `[link]` in its text or in the `href` of a link."],
  country_not_allowed: [400, "The client sends no SMS to phone numbers of this country."],
  invalid_checkout_url: [400, "The URL is not one of the client's checkout URLs."],
  invalid_redirect_uri: [400, "The redirect URI is not registered for the client."],
  code_missing: [400, "The grant requires `code`."],
  nonce_missing: [400, "The grant requires `nonce`."],
  code_verifier_missing: [400, "The grant requires `code_verifier`."],
  redirect_uri_missing: [400, "The grant requires `redirect_uri`."],
  refresh_token_missing: [400, "The grant requires `refresh_token`."],
  malformed_code: [400, "The code is malformed: it must be an id and a key joined by a dot."],
  malformed_refresh_token: [
    400,
    "The refresh token is malformed: it must be a version, an id and a key joined by dots.",
  ],
  incorrect_client: [400, "The code or refresh token was issued to another client."],
  incorrect_redirect_uri: [400, "The magic link was requested with another redirect URI."],
  incorrect_code_verifier: [400, "The code verifier does not match the code challenge."],
  token_not_found: [400, "The secret half of the code or refresh token is wrong."],
  token_used: [
    400,
    "The code or refresh token was already used. If the response to a code was lost, retry after 5 s; else request a new magic link.",
  ],
  token_expired: [400, "The code or refresh token has expired; request a new magic link."],
  authorization_not_found: [
    400,
    "The authorization or its session was revoked or has expired; request a new magic link.",
  ],
  captcha_required: [400, "The client requires a CAPTCHA for this call; send its token as `captcha_token`."],
  captcha_failed: [
    400,
    "The CAPTCHA token was refused: wrong, used, expired, or made for another page or method.",
  ],
  cookies_not_enabled: [400, "The client may not keep tokens in cookies."],
  unknown_capability: [400, "The role names a capability that does not exist in its scope."],
  unknown_event: [400, "The webhook names an event that does not exist."],
  webhook_url_not_allowed: [400, "Messages can't be sent to the URL; `reasons` say why."],
  missing_webhook_body: [400, "The webhook request has no body."],
  invalid_webhook_payload: [400, "The signature or the body of the webhook request is invalid."],
  unauthorized: [401, "The credential is invalid, expired or revoked."],
  no_active_subscription: [402, "The user has no usable subscription, or no verified address."],
  invalid_credentials: [401, "The identifier and the password do not sign anyone in."],
  payment_required: [402, "A payment is due; the user makes it in the billing portal."],
  access_denied: [403, "The credential is missing or does not permit this call."],
  sender_not_allowed: [403, "The client may not send mail from this address."],
  grant_not_allowed: [403, "The client may not use this grant."],
  method_disabled: [403, "This deployment does not offer the method."],
  reauthentication_required: [403, "The user signed in more than 10 minutes ago; sign in again first."],
  cannot_disable_self: [403, "Users can't disable themselves."],
  delete_not_allowed: [403, "The account did not add the user, or the user is in other accounts too."],
  capability_escalation: [
    403,
    "The change concerns a role with a higher level, or with a capability, that the caller's own roles do not have.",
  ],
  own_address_not_verified: [403, "The caller has not verified an address or number of their own yet."],
  registration_disabled: [403, "The client does not accept registrations."],
  not_found: [404, "The path, or the object that the request names, does not exist."],
  user_not_found: [404, "No user has this id."],
  account_not_found: [404, "The user is a member of no account with this id, or there is none."],
  client_not_found: [404, "No enabled client has this id."],
  verification_not_found: [
    404,
    "The nonce and the code belong to no open verification: unknown, wrong, used, expired, tried too often, or of another client.",
  ],
  identifier_not_found: [404, "The user has no address or number with this id."],
  role_not_found: [404, "The app has no role with this key."],
  webhook_not_found: [404, "The app has no webhook with this id."],
  delivery_not_found: [404, "No webhook of the app has a delivery with this id."],
  plan_not_found: [404, "The app has no plan with this id; `list_plans` lists the plans."],
  session_not_found: [404, "The user has no session with this id."],
  unknown_version: [404, "The path has an unknown major version; only 1 exists."],
  version_not_supported: [404, "The path has an unknown version date."],
  unknown_webhook_provider: [404, "No webhook exists for this provider."],
  awaiting_consent: [404, "The user has not chosen a marketing consent level."],
  method_not_supported: [405, "This path does not support the HTTP method; see `Allow`."],
  identifier_taken: [409, "Another user has this email address or phone number; sign in with it instead."],
  already_verified: [409, "The user has already verified this address or number."],
  identifier_not_verified: [
    409,
    "The user has not verified this address or number, or has verified none and needs one for this.",
  ],
  role_built_in: [409, "The role is built in and cannot be changed or deleted."],
  role_in_use: [409, "Some users still have the role."],
  too_many_roles: [409, "The app already has the maximum number of roles in this scope."],
  too_many_accounts: [409, "The user is already a member of the maximum number of accounts."],
  last_owner: [409, "The user is the last owner of the account; make another member an owner first."],
  too_many_webhooks: [409, "The app already has the maximum number of webhooks."],
  webhook_disabled: [409, "The webhook is disabled; enable it first."],
  last_admin: [409, "The user is the last administrator; make somebody else an administrator first."],
  last_sign_in_method: [
    409,
    "It is the last verified address or number of the user, who could not sign in without it.",
  ],
  active_subscription: [409, "The user has a subscription that has not ended; cancel it first."],
  already_subscribed: [
    409,
    "The user already has a usable subscription, or a subscription with an unpaid invoice. A checkout is refused only for the plan that the user has.",
  ],
  trial_already_used: [
    409,
    "The user or this device had a trial that cannot start again: it was used, it was canceled, or it belongs to another address.",
  ],
  checkout_required: [
    409,
    "The user has no paid subscription whose plan can change; call `create_checkout_session`.",
  ],
  subscription_ending: [
    409,
    "The subscription is scheduled to end; the user renews it in the billing portal first.",
  ],
  subscription_not_ready: [
    409,
    "The subscription is not stored yet, or Stripe's API does not know the object yet; Stripe delivers the event again.",
  ],
  deprecated: [410, "The method has been withdrawn."],
  plan_ended: [410, "The plan is not sold anymore."],
  body_too_large: [413, "The body is larger than the limit of this path."],
  subscription_not_valid: [422, "The subscription has an unknown status."],
  customer_email_missing: [422, "The Stripe customer has no valid email address."],
  rate_limited: [429, "Too many requests; retry after `Retry-After`."],
  unknown: [500, "An unexpected error occurred in Nest; report the `request_id`."],
  stripe_error: [502, "Stripe is unreachable or refused the request; retry."],
  price_not_found: [502, "Stripe does not sell the plan's price; an operator must correct the plan."],
  email_not_sent: [502, "The mail could not be sent; retry."],
  delivery_failed: [502, "The code could not be sent; retry."],
  captcha_unavailable: [503, "The CAPTCHA cannot be checked at present; retry with a new token."],
  unavailable: [
    503,
    "A dependency, such as the database, is unreachable or overloaded; retry after `Retry-After`.",
  ],
} as const satisfies Record<string, readonly [status: number, description: string]>;

export type ErrorCode = keyof typeof ERRORS;

/** Codes that every method may return in addition to its declared codes: invalid request, invalid credential, outage. */
export const COMMON_ERRORS: readonly ErrorCode[] = [
  "validation_failed",
  "body_missing",
  "malformed_json",
  "body_too_large",
  "unauthorized",
  "access_denied",
  "unknown",
  "unavailable",
];

/** A nested cause on the wire. It has the shape of an error; its codes are those of the error it explains. */
export interface Reason {
  code: string;
  meta?: Record<string, unknown>;
}

interface Details {
  /** Part of the response. */
  meta?: Record<string, unknown> | undefined;
  /** Part of the response. */
  reasons?: Reason[] | undefined;
  /** For the log only. Must contain no secret and no email address. */
  detail?: string | undefined;
  /** For the log only. */
  cause?: unknown;
  /** Seconds, sent as `Retry-After`. */
  retryAfterSeconds?: number | undefined;
}

/** An error of the contract. `meta` and `reasons` are sent to the caller; `detail` and `cause` only to the log. */
export class NestError extends Error {
  readonly code: ErrorCode;
  readonly meta: Record<string, unknown> | undefined;
  readonly reasons: Reason[] | undefined;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, { meta, reasons, detail, cause, retryAfterSeconds }: Details = {}) {
    super(code, cause === undefined ? undefined : { cause });
    this.name = "NestError";
    this.code = code;
    this.meta = meta;
    this.reasons = reasons;
    this.detail = detail;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** The HTTP status of this code. */
  get status(): number {
    return ERRORS[this.code][0];
  }
}
