import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { newId } from "./account.ts";
import { answerCall, type CallContext, type Outcome } from "./call.ts";
import { checkoutPage } from "./checkout_page.ts";
import { parseForm } from "./form.ts";
import type { PageAnswer } from "./html_page.ts";
import { header, readBody } from "./http_body.ts";
import { portalPage } from "./portal.ts";
import { type RecordedRequest, traffic } from "./traffic.ts";
import { API_VERSION } from "./types.ts";

export interface ServerParts extends CallContext {
  /** Receives every API request. The oldest are dropped beyond 10,000. */
  requests: RecordedRequest[];
}

const REQUEST_LIMIT = 10_000;

/** The HTTP server of the double: the API under `/v1`, and the pages of checkout and the billing portal. */
export function createStripeServer(parts: ServerParts): Server {
  return createServer((request, response) => {
    serve(parts, request, response).catch(() => response.destroy());
  });
}

async function serve(parts: ServerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const method = request.method ?? "GET";
  const url = new URL(request.url ?? "/", "http://double");
  const body = await readBody(request);
  const form = () => (method === "POST" ? parseForm(body) : {});
  const page =
    portalPage(parts.account, method, url.pathname, form) ??
    checkoutPage(parts.account, method, url.pathname, form);
  if (page) {
    sendPage(response, page);
    return;
  }
  const record: RecordedRequest = {
    id: newId("req", 14),
    method,
    path: url.pathname,
    params: {},
    idempotencyKey: method === "POST" ? header(request, "idempotency-key") || null : null,
    status: null,
    isReplay: false,
    answer: null,
  };
  parts.requests.push(record);
  parts.requests.splice(0, parts.requests.length - REQUEST_LIMIT);
  const outcome = await answerCall(parts, request, record, () =>
    parseForm(method === "POST" ? body : url.search.slice(1)),
  );
  if (outcome.transport === "send") {
    Object.assign(record, { status: outcome.status, isReplay: outcome.isReplay, answer: outcome.body });
  }
  traffic.publish({ kind: "call", request: record, forced: parts.account.forced });
  if (outcome.transport === "disconnect") response.destroy();
  if (outcome.transport === "send") sendAnswer(response, record, outcome);
}

function sendPage(response: ServerResponse, { status, html, location }: PageAnswer): void {
  response
    .writeHead(status, {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      ...(location === undefined ? {} : { location }),
    })
    .end(html);
}

function sendAnswer(response: ServerResponse, record: RecordedRequest, outcome: Outcome): void {
  response
    .writeHead(outcome.status, {
      "content-type": "application/json",
      "stripe-version": API_VERSION,
      "request-id": record.id,
      ...(record.idempotencyKey && { "idempotency-key": record.idempotencyKey }),
      ...(outcome.isReplay && { "idempotent-replayed": "true", "original-request": outcome.requestId }),
    })
    .end(JSON.stringify(outcome.body));
}
