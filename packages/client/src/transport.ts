import { onAbort } from "./abort.ts";
import { isDeclared } from "./answers.ts";
import type { KeySet } from "./entitlement.ts";
import { CallFailure, ErrorAnswer, type FailureKind, isCodeOf } from "./errors.ts";
import { MAX_DELAY_MS } from "./lock.ts";
import { type Method, type Responses, VERSION } from "./methods.ts";

/** The options of one call. */
export interface CallOptions {
  /** Aborts the call, which then throws a failure of kind `aborted`. */
  signal?: AbortSignal | undefined;
  /** The timeout of each request, and of the wait for the store's lock, in milliseconds. Default: that of the client. */
  timeoutMs?: number | undefined;
}

export interface Transport {
  /** The URL of Nest, without a slash at the end. */
  url: string;
  timeoutMs: number;
  fetch: typeof fetch;
  clientId: string;
  /** Whether the browser sends the tokens as cookies. */
  hasCookies: boolean;
}

interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** @throws CallFailure network, timeout, aborted */
async function send<M extends Method>(
  transport: Transport,
  { method, path, ...request }: { method: M; path: string; init?: RequestInit },
  { signal, timeoutMs = transport.timeoutMs }: CallOptions,
): Promise<Answer> {
  const controller = new AbortController();
  let kind: FailureKind = "network";
  const stop = (reason: FailureKind) => () => {
    kind = reason;
    controller.abort();
  };
  const timer = setTimeout(stop("timeout"), Math.min(timeoutMs, MAX_DELAY_MS));
  const end = onAbort(signal, stop("aborted"));
  try {
    const response = await transport.fetch(`${transport.url}${path}`, {
      credentials: "omit",
      ...request.init,
      signal: controller.signal,
      // Nest never redirects, and an access token must not be sent to another URL.
      redirect: "error",
      cache: "no-store",
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (cause) {
    throw new CallFailure(method, kind, { cause });
  } finally {
    clearTimeout(timer);
    end();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The method that issues tokens. */
export const SIGN_IN = "authenticate_user";

export interface PostRequest<M extends Method> {
  method: M;
  body: Readonly<Record<string, unknown>>;
  /** The access token, if the method needs one. */
  bearer?: string | undefined;
}

/**
 * Sends one request to a method.
 * @returns the response body, or undefined if there is none
 * @throws ErrorAnswer, CallFailure network, timeout, aborted, unexpected_answer
 */
export async function post<M extends Method>(
  transport: Transport,
  { method, body, bearer }: PostRequest<M>,
  options: CallOptions,
): Promise<Responses[M]> {
  const { hasCookies } = transport;
  const init: RequestInit = {
    method: "POST",
    credentials: hasCookies ? "include" : "omit",
    headers: {
      "content-type": "application/json",
      ...(bearer && !hasCookies ? { authorization: `bearer ${bearer}` } : {}),
    },
    body: JSON.stringify(body),
  };
  const path = `/1/${VERSION}/${method}`;
  const { status, headers, text } = await send(transport, { method, path, init }, options);
  const value = parse(text);
  if (isDeclared(method, status, value)) return value as Responses[M];
  const { code, meta, reasons } = Object(value);
  if (status < 300 || !isCodeOf(method, code)) throw new CallFailure(method, "unexpected_answer", { status });
  throw new ErrorAnswer(method, {
    status,
    code,
    meta,
    reasons,
    retryAfterSeconds: Number(headers.get("retry-after")) || null,
    requestId: headers.get("request-id"),
  });
}

/**
 * Reads Nest's public keys (RFC 7517), which verify entitlements.
 * @throws CallFailure of the method `get_subscription_status`, which returns entitlements
 */
export async function readKeys(transport: Transport, options: CallOptions): Promise<KeySet> {
  const method = "get_subscription_status";
  const { status, text } = await send(transport, { method, path: "/.well-known/jwks.json" }, options);
  const keys = parse(text) as KeySet;
  if (status !== 200 || !Array.isArray(Object(keys).keys))
    throw new CallFailure(method, "unexpected_answer", { status });
  return keys;
}
