import { ERRORS } from "#core/error_codes.ts";

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
