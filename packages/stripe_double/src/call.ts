import type { IncomingMessage } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import type { Account } from "./account.ts";
import { ApiError, invalidRequest, notFound } from "./api_error.ts";
import { render } from "./expand.ts";
import type { Faults, StripeFaultKind } from "./faults.ts";
import type { Form } from "./form.ts";
import { header } from "./http_body.ts";
import { type Answer, fingerprintOf, type IdempotencyKeys } from "./idempotency.ts";
import { idsOf, type Route } from "./route.ts";
import { runDueTasks } from "./schedule.ts";
import type { RecordedRequest } from "./traffic.ts";
import { API_VERSION } from "./types.ts";

export interface CallContext {
  account: Account;
  routes: Route[];
  faults: Faults;
  keys: IdempotencyKeys;
  secretKey: string;
  /** How long each request takes, in milliseconds. */
  latencyMs: () => number;
}

export interface Outcome extends Answer {
  isReplay: boolean;
  /** What the HTTP server does with the response: send it, close the connection, or keep the connection open. */
  transport: "send" | "disconnect" | "hang";
}

/**
 * Authenticates and executes one API request.
 * @param readForm decodes the parameters; an `ApiError` that it throws becomes the response
 * @returns the response; an error is a response too
 */
export async function answerCall(
  context: CallContext,
  request: IncomingMessage,
  record: RecordedRequest,
  readForm: () => Form,
): Promise<Outcome> {
  const { faults, secretKey } = context;
  const fresh = { requestId: record.id, isReplay: false, transport: "send" } as const;
  try {
    authenticate(request, secretKey);
    record.params = readForm();
    const fault = faults.take(record.method, record.path);
    if (fault === "hang") return { ...fresh, status: 0, body: null, transport: "hang" };
    if (fault === "error") throw serverError();
    if (fault === "rate_limited") throw rateLimited();
    if (fault === "missing") throw notFound("object", record.path.split("/").at(-1) ?? "");
    return await executeOnce(context, record, fault);
  } catch (error) {
    return { ...fresh, ...errorAnswer(error) };
  }
}

/** Executes a request, or replays the stored response of its idempotency key. */
async function executeOnce(
  { account, routes, keys, latencyMs }: CallContext,
  record: RecordedRequest,
  fault: StripeFaultKind,
): Promise<Outcome> {
  const call = prepare(routes, record);
  const { idempotencyKey: key, method, path, params } = record;
  const stored = key === null ? null : keys.begin(key, fingerprintOf(method, path, params), account.now());
  // Half of the latency is before the execution: a client that times out can't know whether it was executed.
  await wait(latencyMs() / 2);
  let answer = stored ?? execute(account, record, call);
  if (stored === null && fault === "error_after") answer = { ...answer, ...errorAnswer(serverError()) };
  await wait(latencyMs() / 2);
  if (key !== null && stored === null) keys.finish(key, answer);
  const transport = fault === "lost" ? "disconnect" : fault === "hang_after" ? "hang" : "send";
  return { ...answer, isReplay: stored !== null, transport };
}

type Call = ReturnType<Route["prepare"]>;

function prepare(routes: Route[], { method, path, params }: RecordedRequest): Call {
  for (const route of routes) {
    if (route.method !== method) continue;
    const ids = idsOf(route, path);
    if (ids !== null) return route.prepare(ids, params);
  }
  throw new ApiError(404, {
    type: "invalid_request_error",
    message: `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs.`,
  });
}

/** Runs a request synchronously, so that requests do not interleave. */
function execute(account: Account, record: RecordedRequest, { execute: run, expand }: Call): Answer {
  runDueTasks(account);
  account.origin = { id: record.id, idempotency_key: record.idempotencyKey };
  try {
    return { requestId: record.id, status: 200, body: render(account, run(account), expand) };
  } catch (error) {
    return { requestId: record.id, ...errorAnswer(error) };
  } finally {
    account.origin = { id: null, idempotency_key: null };
  }
}

function errorAnswer(error: unknown): { status: number; body: unknown } {
  if (error instanceof ApiError) return { status: error.status, body: { error: error.body } };
  // A bug of the double. The stack helps to fix it.
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { status: 500, body: { error: { type: "api_error", message } } };
}

function authenticate(request: IncomingMessage, secretKey: string): void {
  const { authorization } = request.headers;
  const basic = `Basic ${Buffer.from(`${secretKey}:`).toString("base64")}`;
  if (authorization !== `Bearer ${secretKey}` && authorization !== basic) throw unknownKey(authorization);
  const version = header(request, "stripe-version");
  if (version === undefined || version === API_VERSION) return;
  throw invalidRequest(`Invalid Stripe API version: ${version}`);
}

function unknownKey(authorization: string | undefined): ApiError {
  const message =
    authorization === undefined
      ? "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth."
      : "Invalid API Key provided";
  return new ApiError(401, { type: "invalid_request_error", message });
}

function serverError(): ApiError {
  return new ApiError(500, { type: "api_error", message: "An unknown error occurred" });
}

function rateLimited(): ApiError {
  return new ApiError(429, {
    type: "invalid_request_error",
    code: "rate_limit",
    message:
      "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
  });
}
