import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { exchanges, type RecordedRequest } from "./exchanges.ts";
import { render } from "./expand.ts";
import type { Faults } from "./faults.ts";
import { type Form, parseForm } from "./form.ts";
import { type Answer, fingerprintOf, type IdempotencyKeys } from "./idempotency.ts";
import { catchUp } from "./life.ts";
import { portalPage } from "./portal.ts";
import { invalidRequest, Refusal } from "./refusal.ts";
import { idsOf, type Route } from "./route.ts";
import { API_VERSION } from "./types.ts";
import { newId, type World } from "./world.ts";

export interface ServerParts {
  world: World;
  routes: Route[];
  faults: Faults;
  keys: IdempotencyKeys;
  requests: RecordedRequest[];
  secretKey: string;
  /** How long a call takes, in milliseconds. */
  latency: () => number;
}

const BODY_LIMIT = 1024 * 1024;
const REQUEST_LIMIT = 10_000;
const REQUEST_HEADER = "request-id";

interface Outcome extends Answer {
  isReplay: boolean;
  /** What becomes of the answer on its way. */
  fate: "sent" | "lost" | "never";
}

/** The HTTP side of the double: who may call, what goes wrong, what is replayed, and the words of every answer. */
export function createStripeServer(parts: ServerParts): Server {
  return createServer((request, response) => {
    serve(parts, request, response).catch(() => response.destroy());
  });
}

async function serve(parts: ServerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const method = request.method ?? "GET";
  const url = new URL(request.url ?? "/", "http://double");
  const body = await readBody(request);
  const page = portalPage(parts.world, method, url.pathname, method === "POST" ? parseForm(body) : {});
  if (page) {
    response
      .writeHead(page.status, {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        ...(page.location === undefined ? {} : { location: page.location }),
      })
      .end(page.html);
    return;
  }
  const record: RecordedRequest = {
    id: newId("req", 14),
    method,
    path: url.pathname,
    params: {},
    idempotencyKey: method === "POST" ? (header(request, "idempotency-key") ?? null) : null,
    status: null,
    isReplay: false,
    answer: null,
  };
  parts.requests.push(record);
  parts.requests.splice(0, parts.requests.length - REQUEST_LIMIT);
  const outcome = await answerTo(parts, request, record, () =>
    parseForm(method === "POST" ? body : url.search.slice(1)),
  );
  const isHeard = outcome.fate === "sent";
  if (isHeard)
    Object.assign(record, { status: outcome.status, isReplay: outcome.isReplay, answer: outcome.body });
  exchanges.publish({ kind: "call", request: record, forced: parts.world.forced });
  if (outcome.fate === "lost") response.destroy();
  if (!isHeard) return;
  response
    .writeHead(outcome.status, {
      "content-type": "application/json",
      "stripe-version": API_VERSION,
      [REQUEST_HEADER]: record.id,
      ...(record.idempotencyKey && { "idempotency-key": record.idempotencyKey }),
      ...(outcome.isReplay && { "idempotent-replayed": "true", "original-request": outcome.requestId }),
    })
    .end(JSON.stringify(outcome.body));
}

/** Answers one call; whatever is refused is an answer too. */
async function answerTo(
  parts: ServerParts,
  request: IncomingMessage,
  record: RecordedRequest,
  readForm: () => Form,
): Promise<Outcome> {
  const { world, faults, keys, latency } = parts;
  const fresh = { requestId: record.id, isReplay: false, fate: "sent" } as const;
  try {
    requireCaller(request, parts.secretKey);
    record.params = readForm();
    const fault = faults.take(record.method, record.path);
    if (fault === "hang") return { ...fresh, status: 0, body: null, fate: "never" };
    if (fault === "error") throw serverError();
    if (fault === "rate_limited") throw rateLimited();
    const call = prepare(parts.routes, record);
    const key = record.idempotencyKey;
    const kept =
      key && keys.begin(key, fingerprintOf(record.method, record.path, record.params), world.now());
    // Half before and half after, so that a caller who gives up early cannot know whether it was executed.
    await wait(latency() / 2);
    let answer: Answer;
    if (kept) {
      answer = kept;
    } else {
      answer = execute(world, record, call);
      if (fault === "error_after") answer = { ...answer, ...refused(serverError()) };
    }
    await wait(latency() / 2);
    if (key && !kept) keys.finish(key, answer);
    const fate = fault === "lost" ? "lost" : fault === "hang_after" ? "never" : "sent";
    return { ...answer, isReplay: Boolean(kept), fate };
  } catch (error) {
    return { ...fresh, ...refused(error) };
  }
}

type Call = ReturnType<Route["prepare"]>;

function prepare(routes: Route[], { method, path, params }: RecordedRequest): Call {
  for (const route of routes) {
    if (route.method !== method) continue;
    const ids = idsOf(route, path);
    if (ids !== null) return route.prepare(ids, params);
  }
  throw new Refusal(404, {
    type: "invalid_request_error",
    message: `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs.`,
  });
}

/** Runs a call in one go, so that nothing else comes between its parts. */
function execute(world: World, record: RecordedRequest, { execute: run, expand }: Call): Answer {
  catchUp(world);
  world.origin = { id: record.id, idempotency_key: record.idempotencyKey };
  try {
    return { requestId: record.id, status: 200, body: render(world, run(world), expand) };
  } catch (error) {
    return { requestId: record.id, ...refused(error) };
  } finally {
    world.origin = { id: null, idempotency_key: null };
  }
}

function refused(error: unknown): { status: number; body: unknown } {
  if (error instanceof Refusal) return { status: error.status, body: { error: error.body } };
  // A fault of the double itself; its text is for whoever mends the double.
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { status: 500, body: { error: { type: "api_error", message } } };
}

function requireCaller(request: IncomingMessage, secretKey: string): void {
  const { authorization } = request.headers;
  const basic = `Basic ${Buffer.from(`${secretKey}:`).toString("base64")}`;
  if (authorization !== `Bearer ${secretKey}` && authorization !== basic) throw unknownKey(authorization);
  const version = header(request, "stripe-version");
  if (version === undefined || version === API_VERSION) return;
  throw invalidRequest(`Invalid Stripe API version: ${version}`);
}

function unknownKey(authorization: string | undefined): Refusal {
  const message =
    authorization === undefined
      ? "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth."
      : "Invalid API Key provided";
  return new Refusal(401, { type: "invalid_request_error", message });
}

function serverError(): Refusal {
  return new Refusal(500, { type: "api_error", message: "An unknown error occurred" });
}

function rateLimited(): Refusal {
  return new Refusal(429, {
    type: "invalid_request_error",
    code: "rate_limit",
    message:
      "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
  });
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new Error("Body too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
