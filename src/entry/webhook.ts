import middy from "@middy/core";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { output, ZodMiniType } from "zod/mini";
import { WEBHOOK_LIMIT_MS } from "#core/call.ts";
import { type Core, coreVariables, type OpenCore, openCore } from "#core/core.ts";
import { type ErrorCode, NestError } from "#core/errors.ts";
import { countOfEvents, eventsSince } from "#core/events/recorded_count.ts";
import { describeFailure } from "#core/log.ts";
import { readParameters } from "#core/parameters.ts";
import { type AnswerContext, failure, headerOf, type Result, success, toNestError } from "#entry/answer.ts";
import { beforeDeadline, bindDeadline } from "#entry/deadline.ts";
import type { OpenedParts, Parts } from "#entry/declaration.ts";
import { type Deployed, type Handler, httpLambda, type Invocation, needsOf } from "#entry/lambda.ts";
import { openParts } from "#entry/open_parts.ts";
import { readBytes } from "#entry/read_body.ts";

/** Bytes. Below API Gateway's 10 MB limit (contract 1.1). */
export const WEBHOOK_BODY_LIMIT = 1024 * 1024;

/** A provider that posts to `/1/webhook/<name>`. It signs its body; there is no authorization header. */
export interface WebhookDeclaration<
  Response extends ZodMiniType = ZodMiniType,
  Needed extends Parts = Parts,
> {
  /** The provider's name in the path. */
  name: string;
  /** One sentence for the reference. */
  summary: string;
  response: Response;
  errors: readonly ErrorCode[];
  parts: Needed;
  run(asked: {
    core: Core & OpenedParts<Needed>;
    /** The raw body, base64 decoded: the bytes that the signature covers. */
    body: Buffer;
    header: (name: string) => string | null;
  }): Promise<output<Response>>;
}

export type WebhookHandler = Deployed<Handler> & { declaration: WebhookDeclaration };

/** Creates the Lambda handler of a webhook from its declaration. */
export function webhook<Response extends ZodMiniType, Needed extends Parts>(
  declaration: WebhookDeclaration<Response, Needed>,
): WebhookHandler {
  const general = declaration as unknown as WebhookDeclaration;
  const handler = httpLambda(
    needsOf(coreVariables, declaration.parts),
    (environment) => serveWebhook(general, openCore(environment)),
    readParameters,
  );
  return Object.assign(handler, { declaration: general });
}

/** Creates a webhook handler that uses an opened core. A failure never returns 2xx, so that the provider retries. */
export function serveWebhook(declaration: WebhookDeclaration, open: OpenCore): Handler {
  const core = openParts(open, declaration.parts);
  return middy(async (event: APIGatewayProxyEventV2, context: Invocation): Promise<Result> => {
    const startedAt = context.startedAt ?? Date.now();
    const countBefore = countOfEvents();
    const deadline = startedAt + WEBHOOK_LIMIT_MS * open.slowdown;
    open.mongo.trips.begin();
    const answer: AnswerContext = {
      event,
      requestId: context.awsRequestId,
      now: core.clock.now(),
      stage: core.stage,
      // Browsers do not call webhooks.
      oauthClients: { allowsCookies: () => false, allowsOrigin: () => false },
    };
    const note = (status: number, code: string | null, error?: unknown) =>
      core.log[status >= 500 ? "error" : "info"]("webhook", {
        provider: declaration.name,
        status,
        code,
        duration_ms: Date.now() - startedAt,
        trips: open.mongo.trips.count,
        ...eventsSince(countBefore),
        request_id: context.awsRequestId,
        ...(error === undefined ? {} : describeFailure(error)),
      });
    try {
      const body = readBytes(event, WEBHOOK_BODY_LIMIT);
      if (body.length === 0) throw new NestError("missing_webhook_body");
      const header = (name: string) => headerOf(event, name);
      const work = declaration.run({ core: bindDeadline(core, deadline), body, header });
      const result = success(answer, await beforeDeadline(deadline, work));
      note(result.statusCode ?? 0, null);
      return result;
    } catch (error) {
      const known = toNestError(error);
      note(known.status, known.code, known.status >= 500 ? (known.cause ?? known) : undefined);
      return failure(answer, known);
    }
  }) as unknown as Handler;
}
