/** The `error` object in the body of an error response (https://docs.stripe.com/api/errors). */
export interface StripeErrorBody {
  type: "api_error" | "card_error" | "idempotency_error" | "invalid_request_error";
  message: string;
  code?: string;
  param?: string;
  decline_code?: string;
  charge?: string;
  payment_intent?: unknown;
}

/** An error that the API returns. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: StripeErrorBody;
  constructor(status: number, body: StripeErrorBody) {
    super(body.message);
    this.status = status;
    this.body = body;
  }
}

/** An error with status 400 for an invalid parameter, or for an object in the wrong state. */
export function invalidRequest(message: string, detail: { code?: string; param?: string } = {}): ApiError {
  return new ApiError(400, { type: "invalid_request_error", message, ...detail });
}

/** The error with status 404 for an unknown id in the path. */
export function notFound(what: string, id: string): ApiError {
  return new ApiError(404, {
    type: "invalid_request_error",
    code: "resource_missing",
    message: `No such ${what}: '${id}'`,
    param: "id",
  });
}

/** The error with status 400 for an unknown id in a parameter. */
export function unknownReference(what: string, id: string, param: string): ApiError {
  return invalidRequest(`No such ${what}: '${id}'`, { code: "resource_missing", param });
}
