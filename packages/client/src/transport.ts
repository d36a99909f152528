import { CallFailure, ErrorAnswer, isCodeOf } from "./errors.ts";
import { type Method, type Responses, VERSION } from "./methods.ts";

/** The options of one call. */
export interface CallOptions {
  /** Aborts the call, which then throws a failure of kind `aborted`. */
  signal?: AbortSignal | undefined;
  /** The timeout of each request in milliseconds. Default: that of the client. */
  timeoutMs?: number | undefined;
}

export interface Transport {
  /** The URL of Nest, without a slash at the end. */
  url: string;
  timeoutMs: number;
  fetch: typeof fetch;
}

/** The longest delay of `setTimeout`, about 25 days. A longer delay fires immediately. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A signal that aborts with the caller's signal or after the timeout. `kind` is the reason of a failure. */
function withTimeout(timeoutMs: number, signal: AbortSignal | undefined) {
  const controller = new AbortController();
  let isTimeout = false;
  const timer = setTimeout(
    () => {
      isTimeout = true;
      controller.abort();
    },
    Math.min(timeoutMs, MAX_TIMEOUT_MS),
  );
  const stop = () => controller.abort();
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  return {
    signal: controller.signal,
    kind: () =>
      (signal?.aborted ? "aborted" : isTimeout ? "timeout" : "network") as "aborted" | "timeout" | "network",
    clear() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    },
  };
}

interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** @throws CallFailure network, timeout, aborted */
async function send<M extends Method>(
  transport: Transport,
  { method, path, ...request }: { method: M; path: string; init: RequestInit },
  { signal, timeoutMs = transport.timeoutMs }: CallOptions,
): Promise<Answer> {
  const limit = withTimeout(timeoutMs, signal);
  try {
    const response = await transport.fetch(`${transport.url}${path}`, {
      ...request.init,
      signal: limit.signal,
      // Nest never redirects, and an access token must not be sent to another URL.
      redirect: "error",
      credentials: "omit",
      cache: "no-store",
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (cause) {
    throw new CallFailure(method, limit.kind(), { cause });
  } finally {
    limit.clear();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface PostRequest<M extends Method> {
  method: M;
  body: Readonly<Record<string, unknown>>;
  /** The access token, or null for a method that needs none. */
  bearer: string | null;
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
  const init = {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json",
      ...(bearer === null ? {} : { authorization: `bearer ${bearer}` }),
    },
    body: JSON.stringify(body),
  };
  const answer = await send(transport, { method, path: `/1/${VERSION}/${method}`, init }, options);
  const { status, headers, text } = answer;
  if (status === 204) return undefined as Responses[M];
  const value = parse(text);
  if (status === 200 && value !== undefined) return value as Responses[M];
  const error = Object(value) as { code?: unknown };
  if (status < 300 || !isCodeOf(method, error.code))
    throw new CallFailure(method, "unexpected_answer", { status });
  throw new ErrorAnswer(method, {
    status,
    body: error as { code: string },
    retryAfterSeconds: Number(headers.get("retry-after")) || null,
    requestId: headers.get("request-id"),
  });
}

/**
 * Reads Nest's public keys (RFC 7517), which verify entitlements.
 * @throws CallFailure of the method `get_subscription_status`, which returns entitlements
 */
export async function readKeys(transport: Transport, options: CallOptions): Promise<unknown> {
  const method = "get_subscription_status";
  const init = { method: "GET" };
  const { status, text } = await send(transport, { method, path: "/.well-known/jwks.json", init }, options);
  const keys = parse(text);
  if (status !== 200 || keys === undefined) throw new CallFailure(method, "unexpected_answer", { status });
  return keys;
}
