import middy from "@middy/core";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { type Call, REDIRECT_LIMIT_MS } from "#core/call.ts";
import { type Core, coreVariables, type OpenCore, openCore } from "#core/core.ts";
import { describeFailure } from "#core/log.ts";
import { readParameters } from "#core/parameters.ts";
import { headerOf, type Result, toNestError } from "#entry/answer.ts";
import { beforeDeadline, bindDeadline } from "#entry/deadline.ts";
import type { OpenedParts, Parts } from "#entry/declaration.ts";
import { type Deployed, type Handler, httpLambda, type Invocation, needsOf } from "#entry/lambda.ts";
import { openParts } from "#entry/open_parts.ts";
import { readBytes } from "#entry/read_body.ts";

/** Bytes of a query or form. */
const PARAMETERS_LIMIT = 16 * 1024;

/** A page that another service sends a person's browser to, and that sends it on. */
export interface RedirectDeclaration<Needed extends Parts = Parts> {
  name: string;
  /** One sentence for the reference. */
  summary: string;
  /** With one parameter in braces. `GET` has the parameters in the query, `POST` in a form. */
  path: string;
  parts: Needed;
  /** Returns where the browser goes; null if the request belongs to nothing that Nest began. */
  run(asked: {
    core: Core & OpenedParts<Needed>;
    /** The segment of the path in the place of the braces. */
    segment: string;
    parameters: URLSearchParams;
    call: Call;
  }): Promise<string | null>;
}

export type RedirectHandler = Deployed<Handler> & { declaration: RedirectDeclaration };

/** Creates the Lambda handler of a redirect from its declaration. */
export function redirect<Needed extends Parts>(declaration: RedirectDeclaration<Needed>): RedirectHandler {
  const general = declaration as unknown as RedirectDeclaration;
  const handler = httpLambda(
    needsOf(coreVariables, declaration.parts),
    (environment) => serveRedirect(general, openCore(environment)),
    readParameters,
  );
  return Object.assign(handler, { declaration: general });
}

/**
 * Creates the handler of a redirect that uses an opened core. Every failure is a plain text: without a request that Nest began,
 * there is no page to which the browser may be sent.
 */
export function serveRedirect(declaration: RedirectDeclaration, open: OpenCore): Handler {
  const core = openParts(open, declaration.parts);
  const headers = headersOf(core.stage);
  return middy(async (event: APIGatewayProxyEventV2, context: Invocation): Promise<Result> => {
    const startedAt = context.startedAt ?? Date.now();
    const deadline = startedAt + REDIRECT_LIMIT_MS * open.slowdown;
    open.mongo.trips.begin();
    const note = (status: number, error?: unknown) =>
      core.log[status >= 500 ? "error" : "info"]("redirect", {
        ...{ name: declaration.name, status, duration_ms: Date.now() - startedAt },
        ...{ trips: open.mongo.trips.count, request_id: context.awsRequestId },
        ...(error === undefined ? {} : describeFailure(error)),
      });
    try {
      const segment = segmentOf(declaration.path, event.rawPath);
      const { sourceIp: ip, userAgent } = event.requestContext.http;
      const call = { requestId: context.awsRequestId, ip, userAgent: userAgent?.slice(0, 512) ?? null };
      const parameters = parametersOf(event);
      const asked = { core: bindDeadline(core, deadline), segment, parameters, call };
      const target = await beforeDeadline(deadline, declaration.run(asked));
      note(target === null ? 400 : 302);
      return target === null
        ? page(400, "This sign-in is unknown, or it has ended. Go back to the app and begin again.", headers)
        : { statusCode: 302, headers: { ...headers, location: target } };
    } catch (error) {
      const { status, cause, retryAfterSeconds } = toNestError(error);
      note(status, status >= 500 ? (cause ?? error) : undefined);
      const text = "The sign-in could not be completed. Go back to the app and begin again.";
      return page(status, text, {
        ...headers,
        ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
      });
    }
  }) as unknown as Handler;
}

const headersOf = (stage: Core["stage"]): Record<string, string> => ({
  "cache-control": "no-store",
  // The referrer of the next page would contain the provider's code.
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  ...(stage === "local" ? {} : { "strict-transport-security": "max-age=63072000; includeSubDomains" }),
});

const page = (statusCode: number, text: string, headers: Record<string, string>): Result => ({
  statusCode,
  headers: { ...headers, "content-type": "text/plain; charset=utf-8" },
  body: `${text}\n`,
});

function segmentOf(pattern: string, path: string): string {
  const place = pattern.split("/").findIndex((part) => part.startsWith("{"));
  return path.split("/")[place] ?? "";
}

/** @throws NestError body_too_large */
function parametersOf(event: APIGatewayProxyEventV2): URLSearchParams {
  const isForm = event.requestContext.http.method === "POST";
  if (!isForm) return new URLSearchParams(event.rawQueryString.slice(0, PARAMETERS_LIMIT));
  const type = headerOf(event, "content-type") ?? "";
  const isReadable = /^application\/x-www-form-urlencoded(;|$)/.test(type);
  return new URLSearchParams(isReadable ? readBytes(event, PARAMETERS_LIMIT).toString("utf8") : "");
}
