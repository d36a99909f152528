import middy from "@middy/core";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { ZodMiniType } from "zod/mini";
import { CALL_LIMIT_MS, type Call, type Caller } from "#core/call.ts";
import { coreVariables, type OpenCore, openCore } from "#core/core.ts";
import type { NestError } from "#core/errors.ts";
import { describeFailure } from "#core/log.ts";
import { readParameters } from "#core/parameters.ts";
import { requireStanding } from "#core/sessions/bearer.ts";
import { type AnswerContext, failure, headerOf, type Result, success, toNestError } from "#entry/answer.ts";
import { authenticateCaller, requireAccess } from "#entry/authenticate_caller.ts";
import { beforeDeadline, bindDeadline } from "#entry/deadline.ts";
import { CALLER_PARTS, type Parts, type RpcCore, type RpcDeclaration } from "#entry/declaration.ts";
import { type Deployed, type Handler, httpLambda, type Invocation, needsOf } from "#entry/lambda.ts";
import { openParts } from "#entry/open_parts.ts";
import { readJson } from "#entry/read_body.ts";
import { validate } from "#entry/validation.ts";

/** A Lambda handler together with its method's declaration. */
export type RpcHandler = Deployed<Handler> & { declaration: RpcDeclaration };

/** Makes a method's Lambda handler from its declaration. */
export function rpc<
  Request extends ZodMiniType,
  Response extends ZodMiniType | null,
  Needed extends Parts = Record<never, never>,
  Reads = undefined,
>(declaration: RpcDeclaration<Request, Response, Needed, Reads>): RpcHandler {
  const general = declaration as unknown as RpcDeclaration;
  const handler = httpLambda(
    needsOf(coreVariables, CALLER_PARTS, declaration.parts ?? {}),
    (environment) => serveRpc(general, openCore(environment)),
    readParameters,
  );
  return Object.assign(handler, { declaration: general });
}

interface Outcome {
  caller: Caller;
  /** The client of the caller's token, else the one the request names. For the log. */
  clientId: string | null;
}

/** Makes a method handler that uses an opened core. */
export function serveRpc(declaration: RpcDeclaration, open: OpenCore): Handler {
  const core: RpcCore<Parts> = {
    ...openParts<Parts>(open, declaration.parts ?? {}),
    ...openParts(open, CALLER_PARTS),
  };
  const answerContext = (event: APIGatewayProxyEventV2, requestId: string): AnswerContext => ({
    event,
    requestId,
    now: core.clock.now(),
    stage: core.stage,
    oauthClients: core.oauthClients,
  });

  return middy(async (event: APIGatewayProxyEventV2, context: Invocation): Promise<Result> => {
    const startedAt = context.startedAt ?? Date.now();
    open.mongo.trips.begin();
    const call: Call = {
      requestId: context.awsRequestId,
      ip: event.requestContext.http.sourceIp,
      userAgent: event.requestContext.http.userAgent?.slice(0, 512) ?? null,
      deadline: startedAt + CALL_LIMIT_MS,
    };
    const outcome: Outcome = { caller: { kind: "anonymous" }, clientId: null };
    const note = (status: number, refusal: NestError | null, error?: unknown) =>
      core.log[status >= 500 ? "error" : "info"]("call", {
        method: declaration.name,
        version: event.rawPath.split("/")[2],
        status,
        code: refusal?.code ?? null,
        // The reason a credential was refused: the log must distinguish a forged token from an expired one.
        reason: refusal?.reasons?.[0]?.code ?? refusal?.detail,
        duration_ms: Date.now() - startedAt,
        trips: open.mongo.trips.count,
        request_id: call.requestId,
        caller: outcome.caller.kind,
        user_id: outcome.caller.kind === "user" ? outcome.caller.userId : null,
        client_id: outcome.clientId,
        ...(error === undefined ? {} : describeFailure(error)),
      });
    try {
      const body = await beforeDeadline(
        call.deadline,
        perform(declaration, bindDeadline(core, call.deadline), event, call, outcome),
      );
      const answer = success(answerContext(event, call.requestId), body);
      note(answer.statusCode ?? 0, null);
      return answer;
    } catch (error) {
      const known = toNestError(error);
      note(known.status, known, known.status >= 500 ? (known.cause ?? known) : undefined);
      return failure(answerContext(event, call.requestId), known);
    }
  }) as unknown as Handler;
}

/** One call in the contract's order: credential, body, JSON, schema, access policy, then the method (contract 1.1). */
async function perform(
  declaration: RpcDeclaration,
  core: RpcCore<Parts>,
  event: APIGatewayProxyEventV2,
  call: Call,
  outcome: Outcome,
): Promise<unknown> {
  const { caller, claims } = await authenticateCaller(core, headerOf(event, "authorization"));
  outcome.caller = caller;
  if (caller.kind === "user") outcome.clientId = caller.clientId;
  const asked = attempt(() => {
    const request = validate(
      declaration.request,
      readJson(event, { isOptional: declaration.isBodyOptional === true }),
    );
    requireAccess(declaration.access, caller, request);
    return request;
  });
  // Reads run beside the check of the bearer's record and session; nothing else starts before it passed.
  const reading = asked.ok ? declaration.reads?.({ core, request: asked.value, caller }) : undefined;
  const [standing, read] = await Promise.all([
    claims ? requireStanding(core, claims) : null,
    reading?.then(
      (value) => ({ ok: true as const, value }),
      (error: unknown) => ({ ok: false as const, error }),
    ),
  ]);
  // A bearer that stands was seen, whatever becomes of its call: the token it replaced must not be taken again.
  const acknowledging = standing?.acknowledge?.().catch((error: unknown) => {
    core.log.warn("acknowledgement_failed", { request_id: call.requestId, ...describeFailure(error) });
  });
  const run = async () => {
    if (!asked.ok) throw asked.error;
    if (read && !read.ok) throw read.error;
    const request = asked.value as { client_id?: unknown };
    if (outcome.clientId === null && typeof request.client_id === "string") {
      // A caller can name anything; the log takes only ids we know.
      outcome.clientId = core.oauthClients.find(request.client_id)?.id ?? null;
    }
    return declaration.run({ core, request, reads: read?.value, caller, call });
  };
  const [result] = await Promise.allSettled([run(), acknowledging]);
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

function attempt<Value>(work: () => Value): { ok: true; value: Value } | { ok: false; error: unknown } {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return { ok: false, error };
  }
}
