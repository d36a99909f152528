import middy from "@middy/core";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { CALL_LIMIT_MS, type Call } from "#core/call.ts";
import { type Core, coreVariables, type OpenCore, openCore } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { countOfEvents, eventsSince } from "#core/events/recorded_count.ts";
import { describeFailure } from "#core/log.ts";
import { readParameters } from "#core/parameters.ts";
import { oauthClients } from "#core/parts.ts";
import { type AnswerContext, failure, headerOf, type Result, success, toNestError } from "#entry/answer.ts";
import { beforeDeadline, bindDeadline } from "#entry/deadline.ts";
import type { OpenedParts, Parts } from "#entry/declaration.ts";
import { type Deployed, type Handler, httpLambda, type Invocation, needsOf } from "#entry/lambda.ts";
import { openParts } from "#entry/open_parts.ts";
import { RPC_BODY_LIMIT, readBytes } from "#entry/read_body.ts";

/** The error codes of RFC 6749 section 5.2 and RFC 7009 section 2.2.1 that are used. */
export type OAuthErrorCode = "invalid_request" | "invalid_client" | "unauthorized_client";

/** A request that the endpoint of a standard refuses. */
export class OAuthError extends Error {
  readonly code: OAuthErrorCode;
  /** @param message one sentence for the developer of the client. It contains nothing of the request */
  constructor(code: OAuthErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** An endpoint in the form of an OAuth standard: a form as request, and errors with `error` and `error_description`. */
export interface OAuthEndpointDeclaration<Needed extends Parts = Parts> {
  name: string;
  /** One sentence for the reference. */
  summary: string;
  /** Its route, such as `POST /1/oauth/revoke`. */
  route: `POST ${string}`;
  parts: Needed;
  /** A success has no body. @throws OAuthError */
  run(asked: {
    core: Core & OpenedParts<typeof OWN_PARTS> & OpenedParts<Needed>;
    /** The fields of the form. An empty field counts as absent (RFC 6749 section 3.1). */
    fields: Readonly<Record<string, string | undefined>>;
    call: Call;
  }): Promise<void>;
}

export type OAuthEndpointHandler = Deployed<Handler> & { declaration: OAuthEndpointDeclaration };

/** Every endpoint answers pages of clients, for which it must know their origins. */
const OWN_PARTS = { oauthClients };

/** Creates the Lambda handler of an endpoint from its declaration. */
export function oauthEndpoint<Needed extends Parts>(
  declaration: OAuthEndpointDeclaration<Needed>,
): OAuthEndpointHandler {
  const general = declaration as unknown as OAuthEndpointDeclaration;
  const handler = httpLambda(
    needsOf(coreVariables, OWN_PARTS, declaration.parts),
    (environment) => serveOAuthEndpoint(general, openCore(environment)),
    readParameters,
  );
  return Object.assign(handler, { declaration: general });
}

/** Creates the handler of an endpoint that uses an opened core. */
export function serveOAuthEndpoint(declaration: OAuthEndpointDeclaration, open: OpenCore): Handler {
  const core = { ...openParts<Parts>(open, declaration.parts), ...openParts(open, OWN_PARTS) };
  return middy(async (event: APIGatewayProxyEventV2, context: Invocation): Promise<Result> => {
    const startedAt = context.startedAt ?? Date.now();
    const countBefore = countOfEvents();
    const deadline = startedAt + CALL_LIMIT_MS * open.slowdown;
    open.mongo.trips.begin();
    const answer: AnswerContext = {
      ...{ event, requestId: context.awsRequestId, now: core.clock.now(), stage: core.stage },
      oauthClients: core.oauthClients,
    };
    const note = (status: number, code: string | null, error?: unknown) =>
      core.log[status >= 500 ? "error" : "info"]("oauth_endpoint", {
        ...{ name: declaration.name, status, code, duration_ms: Date.now() - startedAt },
        ...{ trips: open.mongo.trips.count, ...eventsSince(countBefore), request_id: context.awsRequestId },
        ...(error === undefined ? {} : describeFailure(error)),
      });
    try {
      const fields = readForm(event);
      const asked = { core: bindDeadline(core, deadline), fields, call: callOf(event, context) };
      await beforeDeadline(deadline, declaration.run(asked));
      note(200, null);
      return withoutBody(success(answer, null));
    } catch (error) {
      if (error instanceof OAuthError) {
        note(400, error.code);
        return refusal(failure(answer, new NestError("validation_failed")), error);
      }
      const known = toNestError(error);
      note(known.status, known.code, known.status >= 500 ? (known.cause ?? known) : undefined);
      return failure(answer, known);
    }
  }) as unknown as Handler;
}

const callOf = (
  { requestContext: { http } }: APIGatewayProxyEventV2,
  { awsRequestId }: Invocation,
): Call => ({
  ...{ requestId: awsRequestId, ip: http.sourceIp },
  userAgent: http.userAgent?.slice(0, 512) ?? null,
});

/** RFC 7009 section 2.2: the status says it all. */
function withoutBody({ statusCode = 200, headers = {} }: Result): Result {
  const { "content-type": _type, ...others } = headers;
  return { statusCode, headers: others };
}

/** The response of RFC 6749 section 5.2, with the common headers. */
const refusal = (result: Result, { code, message }: OAuthError): Result => ({
  ...result,
  body: JSON.stringify({ error: code, error_description: message }),
});

/** @throws OAuthError invalid_request for another content type and for a field that is sent twice; NestError body_too_large */
function readForm(event: APIGatewayProxyEventV2): Record<string, string | undefined> {
  const bytes = readBytes(event, RPC_BODY_LIMIT);
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(headerOf(event, "content-type") ?? ""))
    throw new OAuthError("invalid_request", "Send the fields as application/x-www-form-urlencoded.");
  const entries = [...new URLSearchParams(bytes.toString("utf8"))];
  if (new Set(entries.map(([name]) => name)).size < entries.length)
    throw new OAuthError("invalid_request", "A field is sent twice.");
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}
