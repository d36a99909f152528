/** Every error code of the API with its HTTP status and its description in the reference (contract 1.1). */
export const ERRORS = {
  validation_failed: [400, "The body does not match this method's schema."],
  body_missing: [400, "The call has no body."],
  malformed_json: [400, "The body is not JSON in UTF-8."],
  malformed_url: [400, "The path names no method."],
  invalid_email: [400, "The address cannot receive mail."],
  invalid_redirect_uri: [400, "The redirect URI is not one of the client's."],
  code_missing: [400, "The grant needs `code`."],
  code_verifier_missing: [400, "The grant needs `code_verifier`."],
  redirect_uri_missing: [400, "The grant needs `redirect_uri`."],
  refresh_token_missing: [400, "The grant needs `refresh_token`."],
  malformed_code: [400, "The code is not an id and a key joined by a dot."],
  malformed_refresh_token: [400, "The refresh token is not a version, an id and a key joined by dots."],
  incorrect_client: [400, "The code or refresh token was issued to another client."],
  incorrect_redirect_uri: [400, "The link was asked for with another redirect URI."],
  incorrect_code_verifier: [400, "The code verifier does not match the code challenge."],
  token_not_found: [400, "The secret half of the code or refresh token is wrong."],
  token_used: [400, "The code or refresh token was used before."],
  token_expired: [400, "The code or refresh token has expired."],
  authorization_not_found: [400, "The authorization or its session has ended."],
  missing_webhook_body: [400, "The webhook has no body."],
  invalid_webhook_payload: [400, "The webhook's signature or body is not good."],
  unauthorized: [401, "The credential is not good, or no longer."],
  no_active_subscription: [402, "The user has no usable subscription."],
  access_denied: [403, "The caller may not do this."],
  not_found: [404, "There is nothing here by that name."],
  client_not_found: [404, "No enabled client has this id."],
  unknown_version: [404, "Only major version 1 exists."],
  version_not_supported: [404, "No version has this date."],
  unknown_webhook_provider: [404, "No webhook is taken from this provider."],
  awaiting_consent: [404, "The user has not chosen a marketing consent level."],
  method_not_supported: [405, "This path takes another HTTP method."],
  already_subscribed: [409, "The user has a usable subscription."],
  trial_already_used: [409, "The user or this machine has had its trial."],
  subscription_not_ready: [409, "The subscription is not stored yet; send the event again."],
  deprecated: [410, "The method is no longer offered."],
  body_too_large: [413, "The body is larger than this path takes."],
  subscription_not_valid: [422, "The subscription has a status that we do not know."],
  customer_email_missing: [422, "The Stripe customer has no usable address."],
  rate_limited: [429, "Too many requests; try again later."],
  unknown: [500, "Something went wrong on our side."],
  stripe_error: [502, "Stripe could not be reached or refused; try again."],
  email_not_sent: [502, "The mail could not be sent; ask again."],
  unavailable: [503, "A part we depend on is not reachable; try again."],
} as const satisfies Record<string, readonly [status: number, description: string]>;

export type ErrorCode = keyof typeof ERRORS;

/** Codes that every method may answer beside its declared ones: invalid request, invalid credential, outage. */
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
  /** Sent to the caller. */
  meta?: Record<string, unknown> | undefined;
  /** Sent to the caller. */
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
