/** The inside of Stripe's `{error: {...}}`. */
export interface StripeErrorBody {
  type: "api_error" | "card_error" | "idempotency_error" | "invalid_request_error";
  message: string;
  code?: string;
  param?: string;
  decline_code?: string;
  charge?: string;
  payment_intent?: unknown;
}

/** An answer other than 2xx, in Stripe's words. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: StripeErrorBody;
  constructor(status: number, body: StripeErrorBody) {
    super(body.message);
    this.status = status;
    this.body = body;
  }
}

/** A 400 about one parameter or about the object's state. */
export function invalidRequest(message: string, detail: { code?: string; param?: string } = {}): ApiError {
  return new ApiError(400, { type: "invalid_request_error", message, ...detail });
}

/** An id in the path that leads nowhere. */
export function missing(what: string, id: string): ApiError {
  return new ApiError(404, {
    type: "invalid_request_error",
    code: "resource_missing",
    message: `No such ${what}: '${id}'`,
    param: "id",
  });
}

/** An id in a parameter that leads nowhere, which Stripe answers with 400 instead of 404. */
export function missingReference(what: string, id: string, param: string): ApiError {
  return invalidRequest(`No such ${what}: '${id}'`, { code: "resource_missing", param });
}
