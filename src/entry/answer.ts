import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { OAuthClients } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import { isDatabaseUnavailable } from "#core/unavailable.ts";

export type Result = APIGatewayProxyStructuredResultV2;
type Headers = Record<string, string>;

/** The values on which a response's headers depend. */
export interface AnswerContext {
  event: APIGatewayProxyEventV2;
  requestId: string;
  now: Date;
  stage: string;
  oauthClients: Pick<OAuthClients, "allowsCookies" | "allowsOrigin">;
  /** Whether the path reads cookies. Absent: the methods of a version that does. */
  readsCookies?: boolean;
}

/** Headers of every response, success or error (contract 1.1, A3). */
function commonHeaders(context: AnswerContext): Headers {
  const { event, requestId, now, stage, oauthClients } = context;
  const origin = headerOf(event, "origin");
  return {
    "content-type": "application/json",
    "beak-time": now.toISOString(),
    "request-id": requestId,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(stage === "local" ? {} : { "strict-transport-security": "max-age=63072000; includeSubDomains" }),
    // Also without an origin: a cache could serve that response to a page.
    vary: "origin",
    ...(origin !== null && oauthClients.allowsOrigin(origin)
      ? {
          "access-control-allow-origin": origin,
          ...((context.readsCookies ?? readsCookies(event)) && oauthClients.allowsCookies(origin)
            ? { "access-control-allow-credentials": "true" }
            : {}),
          "access-control-expose-headers": "beak-time, request-id, retry-after, www-authenticate",
        }
      : {}),
  };
}

/** Whether a path is of a version that reads cookies. Earlier versions keep their headers. */
const readsCookies = ({ rawPath }: APIGatewayProxyEventV2) => /^\/1\/2026-12-01\//.test(rawPath ?? "");

/** A header's value, found case-insensitively: API Gateway sends lower case, other callers may not. Null if absent. */
export function headerOf(event: APIGatewayProxyEventV2, name: string): string | null {
  const entry = Object.entries(event.headers ?? {}).find(([key]) => key.toLowerCase() === name);
  return entry?.[1] ?? null;
}

/** What a success response has in addition to its body. */
interface Additions {
  headers?: Headers | undefined;
  /** `Set-Cookie` values. */
  cookies?: readonly string[];
}

/** A success response: 200 with JSON, or 204 if `body` is undefined. */
export function success(
  context: AnswerContext,
  body: unknown,
  { headers = {}, cookies = [] }: Additions = {},
): Result {
  const answer = {
    headers: { ...commonHeaders(context), ...headers },
    ...(cookies.length > 0 ? { cookies: [...cookies] } : {}),
  };
  if (body === undefined) return { statusCode: 204, ...answer };
  return { statusCode: 200, ...answer, body: JSON.stringify(body) };
}

/** An error response in the contract's shape (contract 1.1). It contains neither `detail` nor `cause`. */
export function failure(context: AnswerContext, error: NestError, headers: Headers = {}): Result {
  const retryAfter = error.retryAfterSeconds ?? (error.status === 503 ? 1 : undefined);
  const meta = error.code === "unknown" ? { request_id: context.requestId } : error.meta;
  return {
    statusCode: error.status,
    headers: {
      ...commonHeaders(context),
      ...(error.status === 401 ? { "www-authenticate": challengeOf(error) } : {}),
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
      ...headers,
    },
    body: JSON.stringify({ code: error.code, meta, reasons: error.reasons }),
  };
}

/** Only an invalid token has an error in the challenge: a client would refresh its token because of it (RFC 6750, section 3). */
const challengeOf = ({ code }: NestError) =>
  code === "unauthorized" ? 'Bearer error="invalid_token"' : "Bearer";

/**
 * Maps any failure to an error of the contract: an unreachable or overloaded database to `unavailable`, an unexpected
 * failure to `unknown`.
 */
export function toNestError(error: unknown): NestError {
  if (error instanceof NestError) return error;
  const isRetryable = error instanceof Error && isDatabaseUnavailable(error);
  return new NestError(isRetryable ? "unavailable" : "unknown", { cause: error });
}
