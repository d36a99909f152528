import { CallFailure, ErrorAnswer, isCodeOf } from "./errors.ts";
import { type Method, type Responses, VERSION } from "./methods.ts";

/** Of one call. */
export interface CallOptions {
  /** Gives up the call; it then throws a failure of kind `aborted`. */
  signal?: AbortSignal | undefined;
  /** Milliseconds for each request; the client's own if it is left out. */
  timeoutMs?: number | undefined;
}

export interface Transport {
  /** Where Nest is, without a slash at the end. */
  url: string;
  timeoutMs: number;
  fetch: typeof fetch;
}

/** What a timer can wait, about 25 days; with more it would not wait at all. */
const LONGEST_MS = 2 ** 31 - 1;

/** A signal that ends with the caller's or after a time, and says which. */
function deadline(timeoutMs: number, signal: AbortSignal | undefined) {
  const controller = new AbortController();
  let isLate = false;
  const timer = setTimeout(
    () => {
      isLate = true;
      controller.abort();
    },
    Math.min(timeoutMs, LONGEST_MS),
  );
  const stop = () => controller.abort();
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  return {
    signal: controller.signal,
    kind: () =>
      (signal?.aborted ? "aborted" : isLate ? "timeout" : "network") as "aborted" | "timeout" | "network",
    clear() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    },
  };
}

interface Read {
  status: number;
  headers: Headers;
  text: string;
}

/** @throws CallFailure network, timeout, aborted */
async function read<M extends Method>(
  transport: Transport,
  method: M,
  path: string,
  request: RequestInit,
  { signal, timeoutMs = transport.timeoutMs }: CallOptions,
): Promise<Read> {
  const limit = deadline(timeoutMs, signal);
  try {
    const response = await transport.fetch(`${transport.url}${path}`, {
      ...request,
      signal: limit.signal,
      // Nest never redirects, and a bearer must not follow one.
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

/**
 * Calls a method and answers what it answers; undefined where that has no body.
 * @throws ErrorAnswer, CallFailure of a kind other than signed_out, refresh_failed and unknown_link
 */
export async function post<M extends Method>(
  transport: Transport,
  method: M,
  body: Readonly<Record<string, unknown>>,
  bearer: string | null,
  options: CallOptions,
): Promise<Responses[M]> {
  const request = {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json",
      ...(bearer === null ? {} : { authorization: `bearer ${bearer}` }),
    },
    body: JSON.stringify(body),
  };
  const answer = await read(transport, method, `/1/${VERSION}/${method}`, request, options);
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
 * Reads Nest's public keys (RFC 7517), by which an entitlement is verified.
 * @throws CallFailure, which names `get_subscription_status`, whose answers they verify
 */
export async function readKeys(transport: Transport, options: CallOptions): Promise<unknown> {
  const method = "get_subscription_status";
  const { status, text } = await read(
    transport,
    method,
    "/.well-known/jwks.json",
    { method: "GET" },
    options,
  );
  const keys = parse(text);
  if (status !== 200 || keys === undefined) throw new CallFailure(method, "unexpected_answer", { status });
  return keys;
}
