import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { OAuthClients } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";

export type Result = APIGatewayProxyStructuredResultV2;
type Headers = Record<string, string>;

/** What the headers of an answer depend on. */
export interface AnswerContext {
  event: APIGatewayProxyEventV2;
  requestId: string;
  now: Date;
  stage: string;
  oauthClients: Pick<OAuthClients, "allowsOrigin">;
}

/** Headers on every answer, success or error (contract 1.1, A3). */
function commonHeaders({ event, requestId, now, stage, oauthClients }: AnswerContext): Headers {
  const origin = headerOf(event, "origin");
  return {
    "content-type": "application/json",
    "beak-time": now.toISOString(),
    "request-id": requestId,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(stage === "local" ? {} : { "strict-transport-security": "max-age=63072000; includeSubDomains" }),
    // Without an origin too: a cache could hand that answer to a page.
    vary: "origin",
    ...(origin !== null && oauthClients.allowsOrigin(origin)
      ? {
          "access-control-allow-origin": origin,
          "access-control-expose-headers": "beak-time, request-id, retry-after, www-authenticate",
        }
      : {}),
  };
}

/** A header's value whatever its case; API Gateway sends lower case, others may not. */
export function headerOf(event: APIGatewayProxyEventV2, name: string): string | null {
  const entry = Object.entries(event.headers ?? {}).find(([key]) => key.toLowerCase() === name);
  return entry?.[1] ?? null;
}

/** 200 with JSON, or 204 where there is nothing to say. */
export function success(context: AnswerContext, body: unknown, headers: Headers = {}): Result {
  const all = { ...commonHeaders(context), ...headers };
  if (body === undefined) return { statusCode: 204, headers: all };
  return { statusCode: 200, headers: all, body: JSON.stringify(body) };
}

/** The error shape. Nothing of `detail` or `cause` is in it. */
export function failure(context: AnswerContext, error: NestError, headers: Headers = {}): Result {
  const retryAfter = error.retryAfterSeconds ?? (error.code === "unavailable" ? 1 : undefined);
  const meta = error.code === "unknown" ? { request_id: context.requestId } : error.meta;
  return {
    statusCode: error.status,
    headers: {
      ...commonHeaders(context),
      ...(error.code === "unauthorized" ? { "www-authenticate": 'Bearer error="invalid_token"' } : {}),
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
      ...headers,
    },
    body: JSON.stringify({ code: error.code, meta, reasons: error.reasons }),
  };
}

/** Server codes that say "not now": no primary, shutting down, stepping down, out of time, majority not reached. */
const UNAVAILABLE_CODES = new Set([
  6, 7, 50, 64, 89, 91, 133, 134, 189, 202, 262, 384, 9001, 10107, 11600, 11602, 13435, 13436,
]);
/** Told apart by name, so that functions without a database need not hold its driver. */
const UNAVAILABLE_NAMES =
  /^(Mongo(ServerSelection|Network|NetworkTimeout|PoolCleared|PoolClosed|ServerClosed|WaitQueueTimeout|NotConnected|TopologyClosed|OperationTimeout|ClientClosed|StalePrimary)|(Mongo)?PoolClearedOnNetwork)Error$/;
/** A write to a connection that was cut a moment ago: the driver passes the socket's own error on. */
const UNAVAILABLE_SOCKET = /^(EPIPE|E(CONN|HOST|NET)\w+|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ERR_STREAM_DESTROYED)$/;

/** What the driver's errors carry, and those of sockets and of DNS that it passes on as they are. */
interface DatabaseError extends Error {
  code?: unknown;
  errorLabels?: readonly string[];
  /** Of a lookup by `mongodb+srv`: querySrv or queryTxt. */
  syscall?: string;
}

function isUnavailable({ name, code, errorLabels, syscall }: DatabaseError): boolean {
  if (UNAVAILABLE_NAMES.test(name) || syscall?.startsWith("query")) return true;
  if (typeof code === "string" && UNAVAILABLE_SOCKET.test(code)) return true;
  if (!name.startsWith("Mongo")) return false;
  return errorLabels?.includes("RetryableWriteError") === true || UNAVAILABLE_CODES.has(code as number);
}

/** Any failure as one the contract names: what we did not foresee is `unknown`, a database out of reach `unavailable`. */
export function toNestError(error: unknown): NestError {
  if (error instanceof NestError) return error;
  const isPassing = error instanceof Error && isUnavailable(error);
  return new NestError(isPassing ? "unavailable" : "unknown", { cause: error });
}
